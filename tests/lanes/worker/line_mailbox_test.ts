import { assert, assertEquals, assertThrows } from "@std/assert";
import { type LineMessage, Mailbox, mailboxMemory } from "../../../lib/lanes/worker/line.ts";

/** The writer's and the reader's end of one mailbox. */
function ends(): { readonly writer: Mailbox; readonly reader: Mailbox } {
  const memory = mailboxMemory();
  return { writer: new Mailbox(memory), reader: new Mailbox(memory) };
}

/** Payloads that a mailbox takes. */
const small: readonly unknown[] = [
  undefined,
  [],
  [1, -0, NaN, Infinity, -1.5],
  [true, false, null, undefined],
  ["", "a", "abcd", "abcde", "\ud83d\ude00\u0000\ud800"],
  ["x".repeat(256), 7, null],
  new Float64Array(0),
  Float64Array.of(1, -0, NaN),
  new Float64Array(400).fill(2),
];

Deno.test("what a mailbox takes comes out as it went in, in its order", () => {
  const { writer, reader } = ends();
  for (const [at, payload] of small.entries()) assert(writer.write(at, 100 + at, [at], payload));
  for (const [at, payload] of small.entries()) {
    const read = reader.read(at);
    assertEquals(read, [100 + at, [at], payload]);
    for (const [place, value] of Object.entries(payload ?? {})) {
      assert(Object.is((read![2] as Record<string, unknown>)[place], value));
    }
  }
  assertEquals(reader.read(small.length), undefined);
});

/** Payloads that a mailbox doesn't take. */
const others: readonly unknown[] = [
  1,
  "text",
  null,
  {},
  [{}],
  [1n],
  [Symbol("s")],
  [() => 1],
  [1, , 2],
  [[1]],
  new Array(9).fill(0),
  ["x".repeat(257)],
  new Float64Array(1 << 14),
  new Float32Array(2),
];

Deno.test("what is large or has to be cloned is not taken, and leaves nothing behind", () => {
  const { writer, reader } = ends();
  for (const payload of others) {
    assertEquals([payload, writer.write(1, 2, [], payload)], [payload, false]);
  }
  assert(!writer.write(1, 2, new Array(1 << 14).fill(0), undefined));
  assertEquals(reader.read(1), undefined);
});

Deno.test("a list's holes are no values, and what a getter hides is no hole", () => {
  const { writer } = ends();
  assert(!writer.write(1, 2, [], [,]));
  assert(writer.write(1, 2, [], [undefined]));
});

Deno.test("messages go round the ring for ever, and each is whole", () => {
  const { writer, reader } = ends();
  for (let number = 0; number < 2_000; number++) {
    const payload = new Float64Array(number % 4093).fill(number);
    assert(writer.write(number, 1, [number, 2], payload));
    assertEquals(reader.read(number), [1, [number, 2], payload]);
  }
});

Deno.test("a full mailbox takes nothing until something is read, and then as much as was", () => {
  const { writer, reader } = ends();
  const payload = new Float64Array(3000);
  const written: LineMessage[] = [];
  while (writer.write(written.length, 1, [], payload)) written.push([1, [], payload]);
  assertEquals(written.length, 10);
  for (const [number, message] of written.entries()) {
    assertEquals(reader.read(number), message);
    assert(writer.write(written.length + number, 1, [], payload));
    assert(!writer.write(0, 1, [], payload));
  }
});

Deno.test("a message is read only by its number, and stays until then", () => {
  const { writer, reader } = ends();
  writer.write(2, 1, [], undefined);
  assertEquals(reader.read(1), undefined);
  assertEquals(reader.read(2), [1, [], undefined]);
  assertEquals(reader.read(3), undefined);
});

/** Makes mailboxes that call `before` ahead of each step on shared memory. */
async function watched(
  before: (step: string) => void,
): Promise<(memory: SharedArrayBuffer) => Pick<Mailbox, "write" | "read" | "sleep">> {
  const steps = ["load", "store", "exchange", "notify", "waitAsync"] as const;
  const whole = Object.fromEntries(steps.map((step) => [step, Atomics[step]]));
  const hooked = Object.fromEntries(
    steps.map((step) => [step, (...args: never[]) => {
      before(step);
      return Reflect.apply(whole[step]!, Atomics, args);
    }]),
  );
  Object.assign(Atomics, hooked);
  try {
    const { Mailbox } = await import("../../../lib/lanes/worker/line.ts?watched");
    return (memory) => new Mailbox(memory);
  } finally {
    Object.assign(Atomics, whole);
  }
}

Deno.test("a writer that is late to look for a sleeper keeps none from being woken by the next", async () => {
  let late = false;
  let look = () => {};
  let stepsToGo = Infinity;
  const mailbox = await watched((step) => {
    // The writer has written, and is interrupted before it checks for a sleeping reader.
    if (late && step === "exchange") throw new Error("interrupted");
    if (stepsToGo-- === 0) look();
  });
  for (let steps = 0; steps < 6; steps++) {
    const memory = mailboxMemory();
    const marks = new Int32Array(memory);
    const [writer, reader] = [mailbox(memory), mailbox(memory)];
    late = true;
    assertThrows(() => writer.write(1, 2, [], undefined), Error, "interrupted");
    late = false;
    assertEquals(reader.read(1), [2, [], undefined]);
    // Now the writer checks, while the reader falls asleep.
    look = () => {
      if (Atomics.exchange(marks, 2, 0) === 1) Atomics.notify(marks, 0);
    };
    stepsToGo = steps;
    const sleep = reader.sleep();
    stepsToGo = Infinity;
    writer.write(2, 2, [], undefined);
    let isWoken = false;
    void sleep?.then(() => isWoken = true);
    // A sleep doesn't keep the event loop alive.
    for (let turn = 0; turn < 100 && !isWoken; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert(isWoken, `looked after ${steps} steps`);
  }
});

Deno.test("who sleeps is woken by what is written, and doesn't fall asleep over it", async () => {
  const { writer, reader } = ends();
  // A sleep doesn't keep the event loop alive.
  const alive = setInterval(() => {}, 1000);
  const sleep = reader.sleep();
  assert(sleep instanceof Promise);
  writer.write(1, 1, [], undefined);
  await sleep;
  assertEquals(reader.sleep(), undefined);
  assertEquals(reader.read(1), [1, [], undefined]);
  const again = reader.sleep();
  reader.wake();
  await again;
  clearInterval(alive);
});
