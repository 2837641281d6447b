import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LaneStartError } from "../../../lib/lanes/errors.ts";
import { Child, type ChildOptions } from "../../../lib/lanes/subprocess/child.ts";
import { VirtualTime } from "../../dispatch/virtual_time.ts";
import { granted } from "../../granted.ts";
import { type FakeChild, FakeCommands, FakeStderr } from "./fake_child.ts";

/** Starts a fake child. */
function start(options: Partial<ChildOptions> = {}): { child: Child; fake: FakeChild } {
  using commands = new FakeCommands();
  const child = new Child({
    args: ["main.ts", "2"],
    startsPrograms: false,
    stderr: "keep",
    ...options,
  });
  return { child, fake: commands.all[0]! };
}

/** Waits until streams have passed on their data. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await undefined;
}

Deno.test("a child is started with what it is told, and its streams are this program's", async () => {
  const { child, fake } = start();
  assertEquals(JSON.parse(JSON.stringify(fake.settings)), {
    args: ["run", "main.ts", "2"],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const rest = child.read(new Uint8Array(1));
  fake.ends(0);
  await Promise.all([rest, child.ended]);
});

Deno.test("a compiled program is refused a child, which would be itself again", () => {
  const { build } = Deno;
  using commands = new FakeCommands();
  Object.defineProperty(Deno, "build", { value: { ...build, standalone: true } });
  try {
    assertThrows(
      () => new Child({ args: ["main.ts"], startsPrograms: false, stderr: "keep" }),
      LaneStartError,
      "Cannot start a subprocess: subprocesses need Deno",
    );
  } finally {
    Object.defineProperty(Deno, "build", { value: build });
  }
  assertEquals(commands.all, []);
});

Deno.test("what a child writes is read as it comes, or until a buffer is full", async () => {
  const { child, fake } = start();
  fake.writes(Uint8Array.of(1, 2, 3), Uint8Array.of(4), Uint8Array.of(5, 6));
  assertEquals([...(await child.read(new Uint8Array(2)))!], [1, 2]);
  assertEquals([...(await child.read(new Uint8Array(3), true))!], [3, 4, 5]);
  assertEquals([...(await child.read(new Uint8Array(9)))!], [6]);
  const rest = child.read(new Uint8Array(9));
  fake.ends(0);
  assertEquals(await rest, undefined);
  assertEquals((await child.ended).how, "exited with code 0");
});

/** Reads what a child writes, to its end. */
async function drain(child: Child): Promise<void> {
  while (await child.read(new Uint8Array(64)) !== undefined);
}

Deno.test("an end tells the code or the signal, and the line that says why", async () => {
  const cases: readonly (readonly [printed: string, words: string | undefined])[] = [
    ["", undefined],
    ["\n  \n", undefined],
    ["one\n  two  \n", "two"],
    ["error: cause\nat x\nat y\n", "error: cause"],
    ["one\n# Fatal JavaScript out of memory\n#\n", "# Fatal JavaScript out of memory"],
    ["thread 'main' panicked at x\nnote: y\n", "thread 'main' panicked at x"],
    ["error: long ago\n" + "x\n".repeat(4096), "x"],
    ["x".repeat(9000), "x".repeat(300)],
  ];
  for (const [printed, words] of cases) {
    const { child, fake } = start();
    fake.says(printed.slice(0, 7));
    fake.says(printed.slice(7));
    void drain(child);
    fake.ends(137, "SIGKILL");
    assertEquals(await child.ended, { how: "was ended by SIGKILL", words });
  }
  const { child, fake } = start();
  void drain(child);
  fake.ends(3);
  assertEquals(await child.ended, { how: "exited with code 3", words: undefined });
});

Deno.test("a dead child has said all when nothing came for a while, whoever holds its pipes", async () => {
  using time = new VirtualTime();
  const { child, fake } = start();
  let isOver = false;
  const ended = child.ended.then((end) => {
    isOver = true;
    return end;
  });
  void drain(child);
  fake.exits(0);
  for (let ms = 0; ms < 40; ms++) {
    await turns();
    time.pass(1);
  }
  fake.says("last words");
  for (let ms = 0; ms < 49; ms++) {
    await turns();
    time.pass(1);
  }
  assertEquals(isOver, false);
  for (let ms = 0; ms < 3; ms++) {
    await turns();
    time.pass(1);
  }
  // The streams are no longer read, so they don't keep the program alive.
  assertEquals((await ended).words, "last words");
});

Deno.test("a dead child's end is told though a program that it started prints on and on", async () => {
  using time = new VirtualTime();
  const { child, fake } = start();
  let isOver = false;
  const ended = child.ended.finally(() => isOver = true);
  void drain(child);
  fake.exits(0);
  for (let ms = 0; ms < 300 && !isOver; ms++) {
    if (ms < 190) fake.says(`line ${ms}\n`);
    await turns();
    time.pass(1);
  }
  assertEquals((await ended).words, "line 189");
});

Deno.test("what a dead child said is read however long this program was busy meanwhile", async () => {
  using time = new VirtualTime();
  const { child, fake } = start();
  void drain(child);
  fake.exits(0);
  await turns();
  time.pass(1000);
  fake.says("last words");
  for (let ms = 0; ms < 55; ms++) {
    await turns();
    time.pass(1);
  }
  assertEquals((await child.ended).words, "last words");
});

Deno.test("what a child prints is shown once it is ready, all of it and at once, if it is wanted", async () => {
  for (const stderr of ["show", "keep"] as const) {
    using printed = new FakeStderr();
    const { child, fake } = start({ stderr });
    fake.says("early ");
    fake.says("birds\n");
    await turns();
    assertEquals(printed.text, "");
    child.show();
    assertEquals(printed.text, stderr === "show" ? "early birds\n" : "");
    fake.says("late");
    await turns();
    assertEquals(printed.text, stderr === "show" ? "early birds\nlate" : "");
    void drain(child);
    fake.ends(1);
    assertEquals((await child.ended).words, "late");
  }
});

Deno.test("what a child prints that never becomes ready is only for its error", async () => {
  using printed = new FakeStderr();
  const { child, fake } = start({ stderr: "show" });
  void drain(child);
  fake.says("error: no such module");
  fake.ends(1);
  assertEquals([(await child.ended).words, printed.text], ["error: no such module", ""]);
});

Deno.test("what is written arrives in order, and a dead child's is dropped", async () => {
  const { child, fake } = start();
  child.write(Uint8Array.of(1, 2));
  child.write(Uint8Array.of(3));
  await turns();
  assertEquals(fake.written, [1, 2, 3]);
  void drain(child);
  fake.ends(0);
  await child.ended;
  child.write(Uint8Array.of(4));
  await turns();
  assertEquals(fake.written, [1, 2, 3]);
});

Deno.test("closing waits for a child that ends by itself, without killing it", async () => {
  const { child, fake } = start();
  void drain(child);
  child.hold(false);
  child.write(Uint8Array.of(1));
  const closed = child.close();
  while (!fake.stdinClosed) await turns();
  fake.ends(0);
  await closed;
  // Closing waits for the child, which otherwise wouldn't keep the program alive.
  assertEquals([fake.written, fake.done], [[1], ["unref", "ref"]]);
});

Deno.test("a child that doesn't end when it is told to is killed after a while", async () => {
  using time = new VirtualTime();
  const { child, fake } = start();
  void drain(child);
  const closed = child.close();
  time.pass(499);
  assertEquals(fake.done.includes("SIGKILL"), false);
  time.pass(1);
  assertEquals(fake.done.at(-1), "SIGKILL");
  fake.ends(137, "SIGKILL");
  for (let ms = 0; ms < 3; ms++) {
    await turns();
    time.pass(1);
  }
  await closed;
});

Deno.test("a child that has ended already can be killed all the same", async () => {
  const { child, fake } = start();
  fake.kill = () => {
    throw new TypeError("Child process has already terminated");
  };
  child.kill();
  void drain(child);
  fake.ends(0);
  await child.ended;
});

Deno.test("whether a child keeps the program alive can be told", async () => {
  const { child, fake } = start();
  child.hold(false);
  child.hold(true);
  assertEquals(fake.done, ["unref", "ref"]);
  void drain(child);
  fake.ends(0);
  await child.ended;
});

Deno.test("a program that may not run the child is told which flag it needs", () => {
  for (
    const [thrown, needsFlag] of [
      [new Deno.errors.NotCapable("Requires run access"), true],
      [new Error("Too many open files"), false],
      ["no", false],
    ] as const
  ) {
    using commands = new FakeCommands();
    commands.refusal = thrown;
    const error = assertThrows(
      () => new Child({ args: [], startsPrograms: false, stderr: "keep" }),
      LaneStartError,
    );
    assertStringIncludes(error.message, thrown instanceof Error ? thrown.message : thrown);
    assertEquals(error.message.includes(`--allow-run=${Deno.execPath()}`), needsFlag);
    assert(error.cause === thrown);
  }
});

Deno.test({
  name: "where a child may start programs, frames have a descriptor of their own, both ways",
  ignore: !granted("run", "read"),
  async fn() {
    const code = `
      import { readSync, writeSync } from "node:fs";
      const fd = Number(Deno.args[0]);
      console.log("printed", await new Response(Deno.stdin.readable).text() === "");
      const bytes = new Uint8Array(3);
      for (let at = 0; at < 3;) at += readSync(fd, bytes, at, 3 - at, null);
      writeSync(fd + 1, bytes.reverse());
      writeSync(fd + 1, bytes);
    `;
    const child = new Child({
      args: [
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--allow-read",
        "--allow-write",
        `data:text/javascript,${encodeURIComponent(code)}`,
        "3",
      ],
      startsPrograms: true,
      stderr: "keep",
    });
    child.write(Uint8Array.of(1, 2));
    child.write(Uint8Array.of(3));
    assertEquals([...(await child.read(new Uint8Array(3), true))!], [3, 2, 1]);
    // The end comes before the rest of what was to be read whole.
    assertEquals(await child.read(new Uint8Array(4), true), undefined);
    assertEquals(await child.ended, { how: "exited with code 0", words: "printed true" });
  },
});
