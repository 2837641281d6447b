import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ChildPipe, type ChildPipeOptions } from "../../lib/lanes/child_pipe.ts";
import { LaneStartError } from "../../lib/lanes/errors.ts";
import { encodeFrame, FrameKind } from "../../lib/lanes/frame.ts";
import { granted } from "../granted.ts";

/** A child that does what a test says, in place of a process. */
class FakeChild {
  readonly kills: string[] = [];
  readonly written: number[] = [];
  stdinClosed = false;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly #status = Promise.withResolvers<Deno.CommandStatus>();
  readonly status = this.#status.promise;
  #out!: ReadableByteStreamController;
  #err!: ReadableStreamDefaultController<Uint8Array>;

  constructor() {
    this.stdin = new WritableStream({
      write: (bytes) => void this.written.push(...bytes),
      close: () => void (this.stdinClosed = true),
    });
    this.stdout = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#out = controller),
    });
    this.stderr = new ReadableStream({ start: (controller) => void (this.#err = controller) });
  }

  kill(signal: string): void {
    this.kills.push(signal);
  }

  writes(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#out.enqueue(part.slice());
  }

  says(text: string): void {
    this.#err.enqueue(new TextEncoder().encode(text));
  }

  ends(code: number, signal: Deno.Signal | null = null): void {
    try {
      this.#out.close();
      this.#out.byobRequest?.respond(0); // a read that waits has its end told on its own
    } catch {
      // Its reader has given up.
    }
    this.#err.close();
    this.#status.resolve({ code, signal, success: code === 0 });
  }
}

interface Played {
  readonly child: FakeChild;
  readonly pipe: ChildPipe;
  readonly args: readonly string[];
  readonly frames: number[];
  readonly ends: string[];
}

/** Opens a pipe to a fake child. */
function play(options: Partial<ChildPipeOptions>, spawn?: () => never): Played {
  const child = new FakeChild();
  let args: readonly string[] = [];
  const frames: number[] = [];
  const ends: string[] = [];
  const { Command } = Deno;
  Object.assign(Deno, {
    Command: class {
      constructor(_path: string, settings: { args: string[] }) {
        args = settings.args;
      }
      spawn(): FakeChild {
        return spawn === undefined ? child : spawn();
      }
    },
  });
  try {
    const pipe = new ChildPipe({
      slots: 2,
      tasks: [],
      preload: true,
      stderr: "keep",
      onFrame: ({ kind }) => frames.push(kind),
      onEnd: (how) => ends.push(how),
      ...options,
    });
    return { child, pipe, args, frames, ends };
  } finally {
    Object.assign(Deno, { Command });
  }
}

function test(name: string, fn: () => Promise<void> | void): void {
  // The reaper listens for signals as long as there is a child.
  Deno.test({ name, ignore: !granted("read", "run"), fn });
}

test("a child gets no permission but those given, its tasks beforehand, and its slots", async () => {
  const task = { module: "file:///jobs/hash.ts", export: "default" };
  const { args, child, pipe } = play({
    tasks: [task, { ...task, export: "other" }, { module: "data:text/javascript,1", export: "x" }],
    permissions: { net: ["127.0.0.1"] },
    v8Flags: ["--a", "--b"],
    config: "/jobs/deno.json",
  });
  child.ends(0);
  await pipe.ended;
  assertEquals(args.filter((arg) => arg.startsWith("--allow")), ["--allow-net=127.0.0.1"]);
  assertEquals(args.filter((arg) => arg.startsWith("--preload=file:///jobs")), [
    "--preload=file:///jobs/hash.ts",
  ]);
  for (
    const arg of ["--no-prompt", "--cached-only", "--config=/jobs/deno.json", "--v8-flags=--a,--b"]
  ) {
    assert(args.includes(arg), arg);
  }
  assertEquals(args.at(-1), "2");
});

test("a child that can't load its tasks beforehand may read their folders", async () => {
  const tasks = [{ module: "file:///jobs/a%20b/hash.ts", export: "default" }];
  for (
    const [read, flag] of [[undefined, "=/jobs/a b/"], [["/x"], "=/x,/jobs/a b/"], [
      true,
      "",
    ]] as const
  ) {
    const { args, child, pipe } = play({
      preload: false,
      tasks,
      ...(read && { permissions: { read } }),
    });
    child.ends(0);
    await pipe.ended;
    assertEquals(args.filter((arg) => arg.startsWith("--allow")), [`--allow-read${flag}`]);
    assert(!args.some((arg) => arg.startsWith("--preload")));
  }
});

test("frames are told of in order, and the end after them, with how it came", async () => {
  const { child, pipe, frames, ends } = play({});
  child.writes(...encodeFrame(FrameKind.ready, [1]), ...encodeFrame(FrameKind.report, [2]));
  child.ends(3);
  await pipe.ended;
  assertEquals([frames, ends], [[FrameKind.ready, FrameKind.report], ["exited with code 3"]]);
  pipe.write([Uint8Array.of(1)]); // what a dead child no longer takes is dropped
});

test("an end tells the signal, and the last words that say why", async () => {
  const cases: [string, string][] = [
    ["", "was ended by SIGKILL"],
    ["\n  \n", "was ended by SIGKILL"],
    ["one\ntwo\n", "was ended by SIGKILL; it said: two"],
    ["error: cause\nat x\nat y\n", "was ended by SIGKILL; it said: error: cause"],
    ["error: long ago\n" + "x\n".repeat(4096), "was ended by SIGKILL; it said: x"],
    ["x".repeat(9000), `was ended by SIGKILL; it said: ${"x".repeat(200)}`],
  ];
  for (const [words, wanted] of cases) {
    const { child, pipe, ends } = play({});
    child.says(words);
    child.ends(137, "SIGKILL");
    await pipe.ended;
    assertEquals(ends, [wanted]);
  }
});

test("a child that writes anything but frames is killed, and what it wrote is shown", async () => {
  const { child, pipe, ends } = play({});
  child.writes(new TextEncoder().encode("hello"));
  while (child.kills.length === 0) await new Promise((resolve) => setTimeout(resolve));
  child.ends(137, "SIGKILL");
  await pipe.ended;
  assertEquals([child.kills, ends], [["SIGKILL"], ['wrote to its stdout: "hello"']]);
});

test("closing ends stdin and waits; neither it nor killing is told as an end", async () => {
  const closing = play({});
  closing.pipe.write([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  const closed = closing.pipe.close();
  while (!closing.child.stdinClosed) await new Promise((resolve) => setTimeout(resolve));
  closing.child.ends(0);
  await closed;
  assertEquals([closing.child.written, closing.child.kills, closing.ends], [[1, 2, 3], [], []]);
  const killed = play({});
  killed.pipe.kill();
  killed.child.ends(137, "SIGKILL");
  await killed.pipe.ended;
  assertEquals([killed.child.kills, killed.ends], [["SIGKILL"], []]);
});

test("a child that doesn't end when it is told to is killed", async () => {
  const { child, pipe } = play({});
  const { setTimeout: real } = globalThis;
  const due: (() => void)[] = [];
  Object.assign(globalThis, { setTimeout: (run: () => void) => due.push(run) });
  const closed = pipe.close();
  Object.assign(globalThis, { setTimeout: real });
  assertEquals([due.length, child.kills], [1, []]);
  due[0]!();
  assertEquals(child.kills, ["SIGKILL"]);
  child.ends(137, "SIGKILL");
  await closed;
});

test("a program that may not run the child is told which flag it needs", () => {
  const error = assertThrows(
    () =>
      play({}, () => {
        throw new Deno.errors.NotCapable("Requires run access");
      }),
    LaneStartError,
  );
  assertStringIncludes(error.message, `--allow-run=${Deno.execPath()}`);
  assertStringIncludes(error.message, "Requires run access");
});
