import { assertEquals, assertThrows } from "@std/assert";
import {
  type FarEnd,
  Line,
  type LineMessage,
  mailboxMemory,
} from "../../../lib/lanes/worker/line.ts";

/** Both ends of a line, and the messages received. */
class Ends implements Disposable {
  readonly here: Line;
  readonly there: Line;
  readonly received: LineMessage[] = [];
  readonly #wanted: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(onMessage: (...message: LineMessage) => void = () => {}) {
    const { port1, port2 } = new MessageChannel();
    const [one, other] = [mailboxMemory(), mailboxMemory()];
    const ends: readonly FarEnd[] = [[port1, one, other], [port2, other, one]];
    this.here = new Line(ends[0]!);
    this.here.start(() => {});
    this.there = new Line(ends[1]!);
    this.there.start((...message) => {
      this.received.push(message);
      for (const { count, resolve } of this.#wanted) if (this.received.length >= count) resolve();
      onMessage(...message);
    });
  }

  /** Resolves once `count` messages were received. */
  async has(count: number): Promise<void> {
    if (this.received.length >= count) return;
    await new Promise<void>((resolve) => this.#wanted.push({ count, resolve }));
  }

  [Symbol.dispose](): void {
    this.here.close();
    this.there.close();
  }
}

Deno.test("messages are received in the order in which they were sent, whichever way they took", async () => {
  using ends = new Ends();
  const payloads = Array.from({ length: 200 }, (_, at) => at % 3 === 0 ? { at } : [at]);
  for (const [at, payload] of payloads.entries()) {
    ends.here.send(1, [at], payload);
    if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await ends.has(payloads.length);
  assertEquals(ends.received, payloads.map((payload, at) => [1, [at], payload]));
});

Deno.test("one that comes by the mailbox alone wakes who waits, again and again", async () => {
  using ends = new Ends();
  for (let count = 1; count <= 20; count++) {
    ends.here.send(1, [count]);
    await ends.has(count);
  }
});

Deno.test("more than the mailbox holds arrives as well", async () => {
  using ends = new Ends();
  const numbers = new Float64Array(3000);
  for (let at = 0; at < 100; at++) ends.here.send(1, [at], numbers.slice());
  await ends.has(100);
  assertEquals(
    ends.received.map(([, head]) => head[0]),
    Array.from({ length: 100 }, (_, at) => at),
  );
  assertEquals(ends.received.map(([, , payload]) => payload), new Array(100).fill(numbers));
});

Deno.test("what can't be sent is refused at once, and what comes after it arrives", async () => {
  using ends = new Ends();
  assertThrows(() => ends.here.send(1, [], { f() {} }), DOMException, "could not be cloned");
  ends.here.send(1, [2]);
  ends.here.send(1, [3], { a: 1 });
  await ends.has(2);
  assertEquals(ends.received, [[1, [2], undefined], [1, [3], { a: 1 }]]);
});

Deno.test("a buffer that moves is detached here, and arrives", async () => {
  using ends = new Ends();
  const buffer = new ArrayBuffer(8);
  ends.here.send(1, [], [1], [buffer]);
  await ends.has(1);
  assertEquals([buffer.byteLength, ends.received[0]![2]], [0, [1]]);
});

Deno.test("who receives for long leaves others their turn in between", async () => {
  using ends = new Ends(() => {
    for (const start = performance.now(); performance.now() - start < 2;);
  });
  ends.here.send(1, []);
  ends.here.send(2, []);
  await ends.has(1);
  assertEquals(ends.received.length, 1);
  await ends.has(2);
});

Deno.test("an error in who receives is reported, and the next message is received", async () => {
  const reported: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  addEventListener("error", onError);
  const error = new Error("no");
  using ends = new Ends((kind) => {
    if (kind === 1) throw error;
  });
  ends.here.send(1, []);
  ends.here.send(2, []);
  await ends.has(2);
  removeEventListener("error", onError);
  assertEquals(reported, [error]);
});

Deno.test("flush() receives what is there at once, and a closed line receives nothing", async () => {
  using ends = new Ends();
  ends.here.send(1, []);
  ends.there.flush();
  assertEquals(ends.received.length, 1);
  ends.here.send(2, []);
  ends.there.close();
  ends.there.flush();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(ends.received.length, 1);
});
