import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { CancelledError, TimeoutError } from "../../../lib/lanes/errors.ts";
import { KernelRun, type Program } from "../../../lib/lanes/gpu/kernel_run.ts";
import type { Kernel } from "../../../lib/lanes/task.ts";
import type { LaneBatch, Report } from "../../../lib/lanes/lane.ts";
import type { BatchHost } from "../../../lib/lanes/run_batch.ts";
import { withDeadline } from "../../with_deadline.ts";
import { batchOf, type BatchOptions, settle } from "../batch.ts";

/** An item is its number of pieces, and its result is the sum of their numbers. */
const COUNT: Kernel<number, number> = {
  words: 2,
  wgsl: "",
  open: (pieces) => {
    if (pieces < 0) throw new RangeError(`${pieces} pieces`);
    let sum = 0;
    return {
      pieces,
      write: (piece, words, at) => {
        if (pieces === 13) throw new RangeError("13");
        words.set([3, piece], at);
      },
      read: (_, words, at) => sum += words[at + 1]!,
      result: () => sum,
    };
  },
};

/** Runs a batch on a fake GPU that calls `step` for each dispatch; `enough` pieces fill the GPU. */
function runOf(
  items: readonly number[],
  options: BatchOptions = {},
  step: (words: Uint32Array, turn: number) => unknown = () => {},
  host: Partial<BatchHost<LaneBatch>> = {},
  { kernel = COUNT, enough = 3 } = {},
) {
  const reports: Report[] = [];
  const faults: unknown[] = [];
  const dispatched: number[] = [];
  const program: Program = {
    kernel: kernel as Kernel<unknown, unknown>,
    group: 4,
    isEnough: (pieces) => pieces >= enough,
    async run(written, longest, goesOn) {
      const words = written.slice();
      for (let turn = 0; turn < longest && (turn === 0 || goesOn()); turn++) {
        dispatched.push(words.length / 2);
        for (let at = 0; at < words.length; at += 2) words[at]! -= words[at]! > 0 ? 1 : 0;
        await step(words, turn);
      }
      return words;
    },
  };
  const run = new KernelRun(batchOf(items, options), program, {
    report: (_run, report) => reports.push(report),
    ...host,
  }, (error) => faults.push(error));
  return { run, reports, faults, dispatched };
}

/** How each item of a report ended: its value, or its ending. */
function endsOf({ values, failures = [] }: Report): unknown[] {
  const ends = Array.from(values!);
  for (const { offset, ended } of failures) ends[offset] = ended;
  return ends;
}

Deno.test("small items are computed together, and large ones in several goes", async () => {
  const { run, reports, dispatched } = runOf([1, 0, 2, 7, 1], { timed: true });
  run.start();
  await settle();
  assertEquals(reports.map(endsOf), [[0, 0, 1, 21, 0]]);
  assertEquals(dispatched, [3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2]);
  const { last, count, times, startedAtMs, endedAtMs } = reports[0]!;
  assertEquals([last, count, times!.length, run.running], [true, 5, 10, false]);
  for (let at = 0; at < times!.length; at += 2) assert(times![at]! <= times![at + 1]!);
  assert(startedAtMs <= endedAtMs);
});

Deno.test("pieces that take long to write go before they are enough, so that a deadline comes through", async () => {
  const write = (piece: number, words: Uint32Array, at: number) => {
    const untilMs = performance.now() + 0.5;
    while (performance.now() < untilMs);
    words.set([1, piece], at);
  };
  const open = (pieces: number) => ({ ...COUNT.open(pieces), write });
  const { run, reports, dispatched } = runOf([2, 126], {}, undefined, undefined, {
    kernel: { ...COUNT, open },
    enough: Infinity,
  });
  run.start();
  await settle();
  assertEquals(dispatched, [64, 64]);
  assertEquals(reports.map(endsOf), [[1, 125 * 63]]);
});

Deno.test("an item that its kernel doesn't take, or can't write or read, fails alone", async () => {
  const { run, reports, faults } = runOf([1, -1, 13, 2, -1]);
  run.start();
  await settle();
  assertEquals(reports.map(endsOf), [[0, "failed", "failed", 1, "failed"]]);
  assertEquals(reports[0]!.failures!.map(({ reason }) => (reason as Error).message), [
    "-1 pieces",
    "13",
    "-1 pieces",
  ]);
  assertEquals(faults, []);
});

Deno.test("an item with a number of pieces that is none fails alone", async () => {
  const { run, reports } = runOf([NaN, 1.5, Infinity, 2]);
  run.start();
  await settle();
  assertEquals(endsOf(reports[0]!), ["failed", "failed", "failed", 1]);
});

Deno.test("what open() may not give is told as it is", async () => {
  const whole = COUNT.open(1);
  const given: [unknown, string][] = [
    [{ ...whole, pieces: "3" }, 'a whole number of pieces, but gave "3"'],
    [{ ...whole, pieces: 5n }, "a whole number of pieces, but gave 5n"],
    [{ ...whole, pieces: undefined }, "a whole number of pieces, but gave undefined"],
    [undefined, "pieces, write, read and result, but gave undefined"],
    [null, "pieces, write, read and result, but gave null"],
    [7, "pieces, write, read and result, but gave 7"],
    [Promise.resolve(whole), "but gave a promise: it must be synchronous"],
    [{ ...whole, result: 3 }, "pieces, write, read and result, but gave {"],
  ];
  const kernel = { ...COUNT, open: (at: number) => given[at]![0] as typeof whole };
  const { run, reports, faults } = runOf([...given.keys()], {}, undefined, undefined, { kernel });
  run.start();
  await settle();
  const messages = reports[0]!.failures!.map(({ reason }) => (reason as Error).message);
  assertEquals(messages.length, given.length);
  for (const [at, [, words]] of given.entries()) assertStringIncludes(messages[at]!, words);
  assertEquals(faults, []);
});

Deno.test("a batch whose items all fail to open dispatches nothing", async () => {
  const { run, reports, dispatched } = runOf([-1, -1]);
  run.start();
  await settle();
  assertEquals([reports.map(endsOf), dispatched], [[["failed", "failed"]], []]);
});

Deno.test("asked to stop between two dispatches, what runs is cancelled and the rest given back", async () => {
  const { run, reports } = runOf([1, 2, 1, 1], {}, (_, turn) => {
    if (turn === 1) run.ask("cancel", "enough");
  });
  run.start();
  await settle();
  assertEquals(reports.map(({ count, last }) => [count, last]), [[2, true]]);
  assertEquals(endsOf(reports[0]!), ["cancelled", "cancelled"]);
  assertEquals(reports[0]!.failures![0]!.reason, "enough");
});

Deno.test("what was cancelled through shared memory is told so, though nobody said why", async () => {
  let isCancelled = false;
  const { run, reports } = runOf([5], {}, () => void (isCancelled = true), {
    isCancelled: () => isCancelled,
  });
  run.start();
  await settle();
  const { reason } = reports[0]!.failures![0]!;
  assertInstanceOf(reason, CancelledError);
  assertEquals(reason.message, "Item 10 of data:… was cancelled");
});

Deno.test("past their deadline, items time out that haven't ended, and those after them run", () =>
  withDeadline(5, async (timeoutMs) => {
    const { run, reports } = runOf([1, 1, 1, 2], { timeoutMs }, async (words, turn) => {
      if (words.length !== 6 || turn > 0) return;
      words[2] = 0; // the second item ends at once
      const end = performance.now() + timeoutMs + 1;
      while (performance.now() < end) await undefined;
    });
    run.start();
    while (reports.length === 0) await new Promise((resolve) => setTimeout(resolve));
    assertEquals(reports.map(endsOf), [["timed-out", 1 - 1, "timed-out", 1]]);
    const { reason } = reports[0]!.failures![0]!;
    assertInstanceOf(reason, TimeoutError);
    assertEquals(
      reason.message,
      `Item 10 of data:… was stopped at its deadline of ${timeoutMs} ms`,
    );
  }));

Deno.test("a kernel that takes fewer steps than it is told fails its item", async () => {
  const { run, reports } = runOf([1], {}, (words) => void (words[0] = 2));
  run.start();
  await settle();
  assertEquals(
    (reports[0]!.failures![0]!.reason as Error).message,
    "The kernel left 2 of item 10's steps undone; advance() must take as many as it is told",
  );
});

Deno.test("a batch that takes long reports what ended, and gives the rest back", async () => {
  const { run, reports } = runOf([3, 3, 3], { giveBackMs: -1 });
  run.start();
  await settle();
  assertEquals(reports.map(({ count, last }) => [count, last]), [[1, true]]);
});

Deno.test("a GPU that fails is told of, and nothing is reported", async () => {
  const { run, reports, faults } = runOf([1], {}, () => {
    throw new DOMException("the device is lost", "OperationError");
  });
  run.start();
  await settle();
  assertEquals([reports, (faults[0] as Error).message], [[], "the device is lost"]);
});

Deno.test("which items run is told as they start, and how many together", async () => {
  const told: unknown[] = [];
  const { run } = runOf([1, 1, 1, 4], {}, () => void told.push("computing"), {
    starting: ({ current, together }) => {
      if (together > 1) told.push("together");
      told.push(current);
      return false;
    },
  });
  run.start();
  await settle();
  const computing = ["computing", "computing", "computing"];
  // deno-fmt-ignore
  assertEquals(told, [
    0, 0, 1, 1, 2, 2, "together", 0, ...computing, 0, 1, 2,
    3, 3, 3, ...computing, 3, 3, 3, ...computing, 3,
  ]);
});

Deno.test("what the driver ended is computed once more in groups of its own, and fails if it is at fault", async () => {
  const computed: number[][] = [];
  const { run, reports } = runOf(
    [1, 2, 1, -1, 2],
    {},
    (words, turn) => {
      if (turn !== 2) return;
      const items = Array.from({ length: words.length / 2 }, (_, piece) => words[2 * piece + 1]!);
      computed.push(items);
      // The driver ends all pieces in a group of four with a piece of an item of size 2.
      for (const [at, item] of items.entries()) {
        const group = items.slice(at & ~3, (at & ~3) + 4);
        if (item > 0 && group.includes(2)) words[2 * at] = 2 ** 32 - 1;
      }
    },
    {},
    {
      enough: 100,
      kernel: {
        ...COUNT,
        open: (pieces) => ({
          ...COUNT.open(pieces),
          write: (_, words, at) => words.set([3, pieces], at),
        }),
      },
    },
  );
  run.start();
  await settle();
  assertEquals(computed, [
    [1, 2, 2, 1, 2, 2],
    [1, 0, 0, 0, 2, 2, 0, 0, 1, 0, 0, 0, 2, 2],
  ]);
  assertEquals(reports.map(endsOf), [[1, "failed", 1, "failed", "failed"]]);
  assertStringIncludes(
    (reports[0]!.failures![0]!.reason as Error).message,
    "The driver ended the kernel's loops for item 11: ",
  );
});

Deno.test("cancelled before it was computed once more, an item is told so", async () => {
  const { run, reports } = runOf([1, 1, 1, 1], {}, (words) => {
    words[2] = 2 ** 32 - 1;
    run.ask("cancel", "enough");
  }, { isCancelled: () => run.offset > 0 });
  run.start();
  await settle();
  assertEquals(endsOf(reports[0]!), ["cancelled", "cancelled", "cancelled"]);
});

Deno.test("a kernel that leaves more steps than there were fails its item", async () => {
  const { run, reports } = runOf([1], {}, (words) => void (words[0]! -= 3));
  run.start();
  await settle();
  assertStringIncludes(
    (reports[0]!.failures![0]!.reason as Error).message,
    "The kernel left more steps of item 10 than there were; advance() must subtract",
  );
});
