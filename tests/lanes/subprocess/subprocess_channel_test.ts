import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as v8 from "node:v8";
import { LaneStartError } from "../../../lib/lanes/errors.ts";
import { preloadCode, projectFlags } from "../../../lib/lanes/project.ts";
import { FromLane, ToLane } from "../../../lib/lanes/remote/channel.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { encodeFrame, readFrames, serializerOf } from "../../../lib/lanes/subprocess/frame.ts";
import {
  SubprocessChannel,
  type SubprocessOptions,
} from "../../../lib/lanes/subprocess/subprocess_channel.ts";
import { grantedAll } from "../../granted.ts";
import { withFiles } from "../small_program.ts";
import { type FakeChild, FakeCommands, FakeStderr } from "./fake_child.ts";

const serializer = serializerOf(v8);
const HASH: Task = { module: "file:///jobs/hash.ts", export: "default" };
const PARSE: Task = { module: "file:///jobs/parse.ts", export: "default" };

/** The events of a channel, with a promise of its end. */
class Heard {
  readonly messages: unknown[] = [];
  readonly ends: string[] = [];
  readonly #end = Promise.withResolvers<void>();
  readonly end = this.#end.promise;

  message(kind: number, head: ArrayLike<number>, payload: unknown): void {
    this.messages.push([kind, Array.from(head), payload]);
  }

  ended(how: string): void {
    this.ends.push(how);
    this.#end.resolve();
  }
}

interface Stage {
  readonly channel: SubprocessChannel;
  readonly heard: Heard;
  readonly commands: FakeCommands;
  readonly children: readonly FakeChild[];
}

/** Tests a channel to fake children. */
function test(
  name: string,
  options: Partial<SubprocessOptions>,
  fn: (stage: Stage) => Promise<void>,
): void {
  Deno.test(name, async () => {
    using commands = new FakeCommands();
    const heard = new Heard();
    const channel = new SubprocessChannel(heard, {
      slots: 2,
      modules: [],
      stderr: "keep",
      config: "/jobs/deno.json",
      ...options,
    });
    await fn({ channel, heard, commands, children: commands.all });
  });
}

/** Resolves once the condition holds. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve));
}

/** Waits until `count` children were started, and returns the last. */
async function started({ children }: Stage, count: number): Promise<FakeChild> {
  await until(() => children.length >= count);
  return children[count - 1]!;
}

/** Collects rejections that would end this program, until it is disposed. */
class Strays implements Disposable {
  readonly errors: unknown[] = [];
  readonly #note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.errors.push(event.reason);
  };

  constructor() {
    addEventListener("unhandledrejection", this.#note);
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#note);
  }
}

/** Closes the channel and its child. */
async function close({ channel, children }: Stage): Promise<void> {
  const closed = channel.close();
  children.at(-1)!.ends(0);
  await closed;
}

/** The arguments of a child that begin with `start`. */
function argsOf({ args }: FakeChild, start: string): readonly string[] {
  return args.filter((arg) => arg.startsWith(start));
}

function ready(): Uint8Array[] {
  return encodeFrame(FromLane.ready, [performance.timeOrigin], undefined);
}

// How a child is started

test(
  "a child gets no permission but those given, knows its tasks beforehand, and its slots",
  {
    modules: [HASH.module, HASH.module, "data:text/javascript,1"],
    permissions: { net: ["127.0.0.1"] },
    v8Flags: ["--a", "--b"],
  },
  async (stage) => {
    const [child] = stage.children as [FakeChild];
    assertEquals(argsOf(child, "--allow"), ["--allow-net=127.0.0.1"]);
    assertEquals(argsOf(child, "--preload"), [`--preload=${preloadCode([HASH.module])}`]);
    const flags = [
      "--no-prompt",
      "--cached-only",
      "--config=/jobs/deno.json",
      "--v8-flags=--a,--b",
    ];
    for (const flag of flags) assert(child.args.includes(flag), flag);
    assertEquals(child.args.at(-1), "2");
    assert(child.args.at(-2)!.endsWith("/lib/lanes/subprocess/subprocess_main.ts"));
    await close(stage);
  },
);

const web = ["https://a.example/x.ts", "http://b.example:8000/x.ts", "https://a.example/y.ts"];

/** Sets for each host whether this program may import from it, until it is disposed. */
function mayImport(may: (host: string) => boolean): Disposable {
  const { querySync } = Deno.permissions;
  Deno.permissions.querySync = (asked) => {
    if (asked.name !== "import") return querySync.call(Deno.permissions, asked);
    return { state: may(asked.host!) ? "granted" : "denied" } as Deno.PermissionStatus;
  };
  return { [Symbol.dispose]: () => void (Deno.permissions.querySync = querySync) };
}

const [A, B, OTHER] = ["a.example:443", "b.example:8000", "c.example:443"] as const;
for (
  const [may, given, wanted] of [
    [[A, B], undefined, `${A},${B}`],
    [[A], undefined, A],
    [[], undefined, undefined],
    [[], false, undefined],
    [[B], [OTHER, B], `${B},${OTHER}`],
    [[], [OTHER], OTHER],
  ] as const
) {
  const what = `from ${may.join(" and ") || "nowhere"}, given ${given}`;
  Deno.test(`modules are fetched if this program may do so, or as permissions say: ${what}`, async () => {
    using commands = new FakeCommands();
    using _ = mayImport((host) => [...may, OTHER].includes(host as typeof OTHER));
    const permissions = { import: given };
    const settings = { slots: 1, modules: web, config: "/jobs/deno.json", permissions } as const;
    const channel = new SubprocessChannel(new Heard(), { ...settings, stderr: "keep" });
    const [child] = commands.all as [FakeChild];
    assertEquals(
      [argsOf(child, "--allow-import"), argsOf(child, "--cached-only")],
      wanted === undefined ? [[], ["--cached-only"]] : [[`--allow-import=${wanted}`], []],
    );
    const closed = channel.close();
    child.ends(0);
    await closed;
  });
}

Deno.test("a program that may not start children is told so at once", () => {
  using commands = new FakeCommands();
  commands.refusal = new Deno.errors.NotCapable("Requires run access");
  const start = () => new SubprocessChannel(new Heard(), { slots: 1, modules: [] });
  assertThrows(start, LaneStartError, "Requires run access");
});

// Messages and ends

test("frames are told of in order, and the end after them, with how it came", {}, async (stage) => {
  const { heard, children: [child] } = stage;
  const report = [7, 2, 1, 0, 0, 0];
  child!.writes(
    ...ready(),
    ...encodeFrame(FromLane.report, report, [Uint8Array.of(1), Uint8Array.of(2)]),
    ...encodeFrame(FromLane.ending, [], { how: "so" }, serializer),
  );
  child!.says("one\n");
  child!.ends(3);
  await heard.end;
  assertEquals(heard.messages, [
    [FromLane.ready, [performance.timeOrigin], undefined],
    [FromLane.report, report, [Uint8Array.of(1), Uint8Array.of(2)]],
    [FromLane.ending, [], { how: "so" }],
  ]);
  assertEquals(heard.ends, ["exited with code 3; it said: one"]);
});

test("large bodies come through whole", {}, async ({ heard, children: [child] }) => {
  const large = Uint8Array.from({ length: 1 << 20 }, (_, at) => at);
  child!.writes(...encodeFrame(FromLane.report, [7, 1, 1, 0, 0, 0], [large]));
  child!.ends(0);
  await heard.end;
  const [[, , [back]]] = heard.messages as [[number, number[], [Uint8Array]]];
  assertEquals(back.length, large.length);
  assertEquals(back.findIndex((byte, at) => byte !== large[at]), -1);
});

test(
  "what is sent is written as frames, and what can't be cloned is refused at once",
  {},
  async (stage) => {
    const { channel, children: [child] } = stage;
    channel.send(ToLane.usage, []);
    channel.send(ToLane.batch, [1, 2], ["a", new Map([[1, 2]])]);
    assertThrows(() => channel.send(ToLane.batch, [], [() => 1]), Error, "could not be cloned");
    await close(stage);
    const kinds: number[] = [];
    let bytes = Uint8Array.from(child!.written);
    await readFrames((into) => {
      const filled = into.subarray(0, bytes.length);
      filled.set(bytes.subarray(0, filled.length));
      bytes = bytes.subarray(filled.length);
      return Promise.resolve(filled.length > 0 ? filled : undefined);
    }, ({ kind }) => void kinds.push(kind));
    assertEquals(kinds, [ToLane.usage, ToLane.batch, ToLane.end]);
  },
);

test(
  "a child that writes anything but frames is killed, and what it wrote is shown",
  {},
  async (stage) => {
    const { heard, children: [child] } = stage;
    child!.writes(new TextEncoder().encode("hello"));
    await until(() => child!.done.includes("SIGKILL"));
    child!.ends(137, "SIGKILL");
    await heard.end;
    assertEquals(heard.ends, ['wrote to its stdout: "hello"']);
  },
);

test("a child whose message can't be read is ended, and this program isn't", {}, async (stage) => {
  using strays = new Strays();
  const { heard, children: [child] } = stage;
  const unreadable = { ...serializer, serialize: () => Uint8Array.of(255, 255, 0) };
  child!.writes(...ready(), ...encodeFrame(FromLane.ending, [], { how: "so" }, unreadable));
  await until(() => child!.done.includes("SIGKILL") || strays.errors.length > 0);
  child!.ends(137, "SIGKILL");
  await heard.end;
  assertEquals([strays.errors, heard.ends.length], [[], 1]);
});

test("a child that is killed tells what it had said, and then its end", {}, async (stage) => {
  const { channel, heard, children: [child] } = stage;
  child!.writes(...ready());
  channel.kill();
  assertEquals(child!.done.at(-1), "SIGKILL");
  child!.ends(137, "SIGKILL");
  await heard.end;
  assertEquals([heard.messages.length, heard.ends], [1, ["was ended by SIGKILL"]]);
});

test("what a child says or does once it is closed is told to nobody", {}, async (stage) => {
  const { channel, heard, children: [child] } = stage;
  const closed = channel.close();
  child!.writes(...ready());
  child!.ends(3);
  await closed;
  assertEquals([heard.messages, heard.ends], [[], []]);
});

test("a child that is closed is told to end, and its end is waited for", {}, async (stage) => {
  const closed = stage.channel.close();
  const [child] = stage.children as [FakeChild];
  let isOver = false;
  void closed.then(() => isOver = true);
  await until(() => child.stdinClosed);
  assertEquals(isOver, false);
  child.ends(0);
  await closed;
  assertEquals(stage.heard.ends, []);
});

// A start that fails

const given = { modules: [HASH.module, PARSE.module] } as const;
const OUTDATED = "error: The lockfile is out of date. Run `deno install`\n";

test(
  "a child that doesn't start fails with its own words, and is not started again",
  given,
  async (stage) => {
    const { heard, children: [child] } = stage;
    child!.says("error: no memory");
    child!.ends(1);
    await heard.end;
    assertEquals([stage.children.length, heard.ends], [1, [
      "exited with code 1; it said: error: no memory",
    ]]);
  },
);

test("a child whose own file isn't there says what leaves it out", given, async (stage) => {
  const { heard, children: [child] } = stage;
  const main = new URL("../../../lib/lanes/subprocess/subprocess_main.ts", import.meta.url).href;
  child!.says(`error: Module not found "${main}".`);
  child!.ends(1);
  await heard.end;
  assertStringIncludes(heard.ends[0]!, `${main}". Was this program bundled or compiled?`);
});

test("a child that was ready is not started again", given, async (stage) => {
  stage.children[0]!.writes(...ready());
  stage.children[0]!.ends(1);
  await stage.heard.end;
  assertEquals([stage.children.length, stage.heard.ends], [1, ["exited with code 1"]]);
});

test("a child that can't be started a second time is told dead", given, async (stage) => {
  using strays = new Strays();
  const { commands, children: [first], heard } = stage;
  commands.refusal = new Error("Too many open files");
  first!.says(OUTDATED);
  first!.ends(1);
  await until(() => heard.ends.length + strays.errors.length > 0);
  assertEquals([strays.errors, heard.ends.length], [[], 1]);
});

test(
  "a child that is started anew keeps the program alive no more than the first",
  given,
  async (stage) => {
    stage.channel.hold(false);
    stage.children[0]!.says(OUTDATED);
    stage.children[0]!.ends(1);
    const second = await started(stage, 2);
    assertEquals(second.done, ["unref"]);
    stage.channel.hold(true);
    assertEquals(second.done, ["unref", "ref"]);
    await close(stage);
  },
);

Deno.test({
  name: "a child whose project's lock is out of date is started without it, its tasks and all",
  ignore: !grantedAll(),
  fn: () =>
    withFiles({ "deno.json": "{}", "deno.lock": "{}" }, async (root) => {
      using commands = new FakeCommands();
      const task = { module: `file://${encodeURI(root)}/task.ts`, export: "default" };
      const { flags, unlocked } = projectFlags([task.module]);
      const heard = new Heard();
      const channel = new SubprocessChannel(heard, {
        slots: 1,
        modules: [task.module],
        stderr: "keep",
      });
      const stage = { channel, heard, commands, children: commands.all };
      const first = await started(stage, 1);
      first.says(OUTDATED);
      first.ends(1);
      const second = await started(stage, 2);
      const told = [first, second].map(({ args }) => {
        const from = args.indexOf("--cached-only") + 1;
        return args.slice(from, args.findIndex((arg) => arg.startsWith("--preload")));
      });
      assertEquals(told, [flags, unlocked].map((flags) => [...flags]));
      await close(stage);
    }),
});

// Printed text

test(
  "what a child prints before it is ready is shown once it is",
  { stderr: "show" },
  async (stage) => {
    using printed = new FakeStderr();
    const [child] = stage.children as [FakeChild];
    child.says("early\n");
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(printed.text, "");
    child.writes(...ready());
    await until(() => stage.heard.messages.length > 0);
    assertEquals(printed.text, "early\n");
    await close(stage);
  },
);
