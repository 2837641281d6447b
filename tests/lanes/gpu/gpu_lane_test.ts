/** A GPU lane's handling of errors, tested on this machine's adapter. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  CrashedError,
  type Executor,
  gpu,
  LaneStartError,
  type Task,
  TaskLoadError,
} from "../../../lib/mod.ts";
import type { Device } from "../../../lib/lanes/lane.ts";
import { inShort } from "../../../lib/lanes/task.ts";
import { hasAdapter } from "../../gpu_adapter.ts";
import { granted } from "../../granted.ts";

const ADVANCE = "fn advance(at: u32, steps: u32) { words[at + 1u] *= 2u; words[at] = 0u; }";

/** A task that doubles its item on a GPU by this WGSL; `code` comes first in its module. */
function doubling(
  wgsl = ADVANCE,
  { words = 2 as number | string, code = "", more = "" } = {},
): Task<number, number> {
  const module = `${code}
    export default (n) => 2 * n;
    export const kernel = {
      words: ${words},
      wgsl: ${JSON.stringify(wgsl)},
      open(n) {
        let doubled = 0;
        return {
          pieces: 1,
          write: (_, words, at) => words.set([1, n], at),
          read: (_, words, at) => doubled = words[at + 1],
          result: () => doubled,
        };
      },
      ${more}
    };`;
  return { module: `data:text/javascript,${encodeURIComponent(module)}`, export: "default" };
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasAdapter || !granted("read"), fn });
}

/** The error's text of a run whose kernel can't be loaded. */
async function whyNot(executor: Executor, task: Task<number, number>): Promise<string> {
  const error = await assertRejects(() => executor.map(task, [1]).toArray(), TaskLoadError);
  return error.message.replace(` ${inShort(task.module, task.module)}`, "");
}

/** The device of an executor; asks again if a lane on a busy machine doesn't report it in time. */
async function deviceOf(executor: Executor): Promise<Device> {
  for (let asked = 0; asked < 30; asked++) {
    const [usage] = await executor.usage();
    if (usage?.device !== undefined) return usage.device;
  }
  throw new Error("the lane never said on what it computes");
}

test("an executor says on what it computes", async () => {
  await using executor = gpu();
  await executor.ready(doubling());
  const device = await deviceOf(executor);
  assert(device.name.length > 0);
  assertEquals(device.software, /llvmpipe|software/i.test(device.name));
  assertEquals(await executor.map(doubling(), [1, 2, 3]).toArray(), [2, 4, 6]);
});

test("a task without a kernel says so, and how to have one", async () => {
  await using executor = gpu();
  const plain = { module: "data:text/javascript,export default (n) => n", export: "default" };
  assertEquals(
    await whyNot(executor, plain),
    'Cannot run "default" of task module on a GPU: it has no kernel; export one as kernel, or choose ' +
      "another model",
  );
  const named = { module: "data:text/javascript,export const half = (n) => n / 2", export: "half" };
  assertStringIncludes(await whyNot(executor, named), "export one as halfKernel");
});

test("WGSL that is wrong is told with its line, column and message", async () => {
  await using executor = gpu();
  const wrong = "fn advance(at: u32, steps: u32) {\n  words[at] = nowhere;\n}";
  assertEquals(
    await whyNot(executor, doubling(wrong)),
    "Cannot compile the kernel of task module: line 2, column 15: no definition in scope for " +
      "identifier: `nowhere`",
  );
  const unequal = "fn advance(at: u32, steps: u32) { words[at] = at + 1i; }";
  assertMatch(
    await whyNot(executor, doubling(unequal)),
    /: line 1, column \d+: .*Operation Add can't work/,
  );
  assertMatch(
    await whyNot(executor, doubling("fn advance(at: u32) {")),
    /: line 1, column 22: expected statement/,
  );
  assertStringIncludes(
    await whyNot(executor, doubling("")),
    ": it needs a whole function advance(at: u32, steps: u32): no definition",
  );
});

test("numbers and tables that no kernel can have are told, and end no program", async () => {
  await using executor = gpu();
  for (const words of [0, -1, 1.5, NaN, Infinity, '"2"', "2n", "undefined"]) {
    const told = `: its words must be a whole number from 1, but is ${words}`;
    assertStringIncludes(await whyNot(executor, doubling(ADVANCE, { words })), told);
  }
  for (const turns of [0, -1, 0.5, NaN]) {
    const told = `: its turns must be a whole number from 1, but is ${turns}`;
    assertStringIncludes(
      await whyNot(executor, doubling(ADVANCE, { more: `turns: ${turns},` })),
      told,
    );
  }
  const table = doubling(ADVANCE, { more: "table: () => [1, 2]," });
  assertStringIncludes(
    await whyNot(executor, table),
    ": table() must give a Uint32Array, but gave [",
  );
  const empty = doubling(ADVANCE, { more: "table: () => new Uint32Array(0)," });
  assertEquals(await executor.map(empty, [1, 2]).toArray(), [2, 4]);
});

test("a kernel that declares what is declared for it is told which names are taken", async () => {
  await using executor = gpu();
  const twice = `const a = 1u;\nconst a = 2u;\n${ADVANCE}`;
  assertMatch(
    await whyNot(executor, doubling(twice)),
    /: line [12], column \d+: redefinition of `a`/,
  );
  const own = `var<private> table: u32;\n${ADVANCE}`;
  assertStringIncludes(
    await whyNot(executor, doubling(own)),
    ": words, table, extent, Extent, unended and main are",
  );
});

test("what doesn't fit into the adapter's buffers is told with the most that does", async () => {
  await using executor = gpu();
  assertMatch(
    await whyNot(executor, doubling(ADVANCE, { words: 2 ** 30 })),
    /: a piece of 1073741824 words does not fit into this adapter's buffers, which hold \d+ bytes/,
  );
  // The table's size is faked, because a real one would have to be allocated first.
  const table = `table: () =>
    Object.defineProperties(new Uint32Array(1), {
      byteLength: { value: 2 ** 40 },
      length: { value: 2 ** 38 },
    }),`;
  assertStringIncludes(
    await whyNot(executor, doubling(ADVANCE, { more: table })),
    "a table of 274877906944 words does not fit",
  );
});

/** Code that loses the device whenever a buffer is created that results are copied from. */
const LOSING = `
  const { writeBuffer } = GPUQueue.prototype;
  let { requestDevice } = GPUAdapter.prototype;
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (options) {
    const buffer = createBuffer.call(this, options);
    if (options.usage & GPUBufferUsage.COPY_SRC) this.destroy();
    return buffer;
  };`;

test("a device that is lost takes its item with it, and the rest is told", async () => {
  await using executor = gpu();
  const task = doubling(ADVANCE, { code: LOSING });
  const outcomes = await executor.mapSettled(task, [1, 2], { chunk: 1 }).toArray();
  for (const outcome of outcomes) {
    assert(outcome.status === "rejected" && outcome.ended === "crashed");
    assert(outcome.reason instanceof CrashedError);
    assertMatch(outcome.reason.message, /the lane lost its GPU: the device was lost \(\w/);
  }
  assertEquals(await executor.map(doubling(), [4]).toArray(), [8]);
});

test("items that were computed together when the device was lost are tried one by one", async () => {
  await using executor = gpu();
  const task = doubling(ADVANCE, { code: LOSING });
  const outcomes = await executor.mapSettled(task, [1, 2, 3], { chunk: 3 }).toArray();
  assertEquals(outcomes.map((o) => o.status === "rejected" && o.ended), Array(3).fill("crashed"));
  assertEquals(outcomes.map(({ attempts }) => attempts), [2, 2, 2]);
});

const ENDLESS = `fn advance(at: u32, steps: u32) {
  let stop = words[at] - steps;
  while (words[at] > stop) {
    for (var i = 0u; i < 200u; i++) { words[at + 1u] = words[at + 1u] * 1664525u + 1u; }
    words[at] -= 1u;
  }
}`;
test("a kernel may take as many turns of loops as it says, in however many steps", async () => {
  await using executor = gpu();
  for (const turns of [1, 7, 256]) {
    const counting = `fn advance(at: u32, steps: u32) {
      let stop = words[at] - steps;
      while (words[at] > stop) {
        for (var i = 0u; i < ${turns}u; i++) { words[at + 1u] += 1u; }
        words[at] -= 1u;
      }
    }`;
    const more = `turns: ${turns + 1}, open: () => { let count; return {
      pieces: 1,
      write: (_, words, at) => words.set([30_000, 0], at),
      read: (_, words, at) => count = words[at + 1],
      result: () => count,
    }; },`;
    const task = doubling(counting, { more });
    assertEquals(await executor.map(task, [1]).toArray(), [30_000 * turns]);
  }
});

test("loops that a driver ends early are told of, and give no wrong result", async () => {
  await using executor = gpu();
  const long = `fn advance(at: u32, steps: u32) {
    for (var i = 0u; i < 70000u; i++) { words[at + 1u] = words[at + 1u] * 1664525u + 1u; }
    words[at] = 0u;
  }`;
  await executor.ready(doubling(long));
  const device = await deviceOf(executor);
  const [outcome] = await executor.mapSettled(doubling(long), [1]).toArray();
  if (/llvmpipe/.test(device.name)) {
    assert(outcome!.status === "rejected");
    assertMatch(
      String(outcome!.reason),
      /^RangeError: The driver ended the kernel's loops for item 0/,
    );
  } else assertEquals(outcome!.status, "fulfilled");
});

test("pieces that end before the steps that were told are done", async () => {
  await using executor = gpu();
  const early = doubling(ADVANCE, {
    more: "open: (n) => { let doubled = 0; return { pieces: 1, result: () => doubled, " +
      "write: (_, words, at) => words.set([2 ** 32 - 1, n], at), " +
      "read: (_, words, at) => doubled = words[at + 1] }; },",
  });
  assertEquals(await executor.map(early, [1, 2, 3]).toArray(), [2, 4, 6]);
});

/** A kernel in which item 700 ends its lane when `method` is called. */
function ending(method: string, how: string): Task<number, number> {
  return doubling(ADVANCE, {
    more: `open: (n) => {
      let doubled = 0;
      const item = {
        pieces: 1,
        write: (_, words, at) => words.set([1, n], at),
        read: (_, words, at) => doubled = words[at + 1],
        result: () => doubled,
      };
      const end = (what) => (...given) => { if (n === 700) { ${how} } return what(...given); };
      return "${method}" === "open" ? end(() => item)() : { ...item, ${method}: end(item.${method}) };
    },`,
  });
}

test("whichever part of a kernel ends the lane, its item alone is lost, and the others run again together", async () => {
  const items = Array.from({ length: 1000 }, (_, n) => n);
  for (const [at, method] of ["open", "write", "read", "result"].entries()) {
    await using executor = gpu();
    const task = ending(method, at % 2 === 0 ? "self.close();" : "Deno.exit(3);");
    const outcomes = await executor.mapSettled(task, items, { chunk: 100 }).toArray();
    const lost = outcomes.flatMap((o) => o.status === "rejected" ? [[o.ended, o.index]] : []);
    assertEquals(lost, [["crashed", 700]], method);
    assertEquals(outcomes.every(({ attempts }) => attempts <= 2), true);
  }
});

test("an item at the driver's limit harms none that is computed beside it", async () => {
  await using executor = gpu();
  const some = `fn advance(at: u32, steps: u32) {
    for (var i = 0u; i < 50000u * words[at + 1u]; i++) { words[at] = i; }
    words[at + 1u] *= 2u;
    words[at] = 0u;
  }`;
  await executor.ready(doubling(some));
  const device = await deviceOf(executor);
  const items = [1, 0, 2, 1, 1, 0, 2];
  const outcomes = await executor.mapSettled(doubling(some), items).toArray();
  const isLimited = /llvmpipe/.test(device.name);
  assertEquals(
    outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
    items.map((n) => isLimited && n === 2 ? "failed" : 2 * n),
  );
});

test("advance() is never told more steps than are left", async () => {
  await using executor = gpu();
  const exact = `fn advance(at: u32, steps: u32) {
    words[at + 1u] += words[at + 1u] * u32(words[at] == 1000u);
    words[at] -= steps;
  }`;
  const more = "open: (n) => { let doubled = 0; return { pieces: 2, result: () => doubled, " +
    "write: (piece, words, at) => words.set([piece === 0 ? 1000 : 1, n], at), " +
    "read: (piece, words, at) => { if (piece === 0) doubled = words[at + 1]; } }; },";
  assertEquals(await executor.map(doubling(exact, { more }), [1, 2, 3]).toArray(), [2, 4, 6]);
});

test("a piece without steps fails its item, and WGSL that doesn't end is told as that", async () => {
  await using executor = gpu();
  const none = doubling(ADVANCE, {
    more: "open: (n) => ({ pieces: 1, read() {}, result: () => n, " +
      "write: (_, words, at) => words.set([n % 2, n], at) }),",
  });
  const outcomes = await executor.mapSettled(none, [1, 2]).toArray();
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertMatch(
    String(outcomes[1]!.status === "rejected" && outcomes[1]!.reason),
    /^RangeError: write\(\) gave piece 0 no steps/,
  );
  assertMatch(
    await whyNot(executor, doubling("fn advance(at: u32, steps: u32) { /* so far")),
    /: line 1, column 35: expected statement, found "\/\* so far/,
  );
  const table = doubling(ADVANCE, { more: "table: new Uint32Array(1)," });
  assertStringIncludes(
    await whyNot(executor, table),
    "its table must be a function that makes it, but is U",
  );
});

const MANY_STEPS = "open: () => ({ pieces: 1, read() {}, result() {}, " +
  "write: (_, words, at) => words[at] = 2 ** 32 - 1 }),";

test("what would compute for ever stops between two dispatches, and nothing is left", async () => {
  const task = doubling(ENDLESS, { more: MANY_STEPS });
  await using executor = gpu({ graceMs: 60_000 });
  await executor.ready(task);
  const controller = new AbortController();
  const outcomes = executor.mapSettled(task, [1, 2], { signal: controller.signal, chunk: 1 })
    .toArray();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  assertEquals((await outcomes).map((o) => o.status === "rejected" && o.ended), [
    "cancelled",
    "cancelled",
  ]);
  const [late] = await executor.mapSettled(task, [1], { timeoutMs: 60 }).toArray();
  assert(late!.status === "rejected" && late!.ended === "timed-out");
  assertEquals(await executor.map(doubling(), [4]).toArray(), [8]);
});

Deno.test({
  name: "without an adapter a run fails, and says what is missing",
  ignore: !granted("run", "read", "env"),
  async fn() {
    const mod = new URL("../../../lib/mod.ts", import.meta.url).href;
    const code = `import { gpu } from ${JSON.stringify(mod)};
      await using executor = gpu();
      const task = { module: "data:text/javascript,export default 1", export: "default" };
      for (const attempt of [() => executor.ready(), () => executor.map(task, [1]).toArray()]) {
        await attempt().catch(({ name, message }) => console.log(name + ": " + message));
      }`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--allow-read",
        `data:text/javascript,${encodeURIComponent(code)}`,
      ],
      env: {
        VK_DRIVER_FILES: "/nowhere",
        VK_ICD_FILENAMES: "/nowhere",
        DENO_WEBGPU_BACKEND: "vulkan",
      },
      stderr: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(lines.length, 2);
    for (const line of lines) {
      assertStringIncludes(
        line,
        `${LaneStartError.name}: Cannot start a lane: it found no GPU adapter`,
      );
    }
  },
});
