import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "../../properties.ts";
import { queueOf, Subject } from "../../../lib/lanes/cluster/broker.ts";
import { payloadOf, type Post, Receiver, Sender } from "../../../lib/lanes/cluster/post.ts";
import { ToLane } from "../../../lib/lanes/remote/channel.ts";
import { encodeFrame } from "../../../lib/lanes/subprocess/frame.ts";
import { settle, VirtualTime } from "../../dispatch/virtual_time.ts";
import { FakeServer } from "./fake_server.ts";

const JOB = "job";
const LARGE = new Uint8Array(20_000).fill(7);

/** A sender with its receiver, which acknowledges each message unless `acks` is false. */
async function way(acks = true) {
  const server = new FakeServer();
  const queue = queueOf(JOB);
  const post = (): Post => ({ broker: server.connect(), queue, kept: new Map() });
  const here = post();
  await here.broker.createQueue(queue, [Subject.to(JOB, "*")], JOB);
  const got: unknown[] = [];
  const news: boolean[] = [];
  const receiver = new Receiver<undefined>(post(), (frame) => got.push(payloadOf(frame)));
  await here.broker.consume(queue, {
    name: "to-1",
    subject: Subject.to(JOB, 1),
    most: 8,
    onMessage: (stored) =>
      void receiver.take(stored.bytes, undefined).then((isNew) => {
        news.push(isNew);
        if (acks) stored.ack();
      }),
  });
  const subject = Subject.to(JOB, 1);
  const sender = new Sender(
    here,
    (number, bytes) => here.broker.store(subject, `${subject}.${number}`, bytes),
  );
  return {
    server,
    sender,
    receiver,
    got,
    news,
    objects: server.queues.get(queue)!.objects,
  };
}

Deno.test("what is larger than a message goes as an object, which is gone once it was had", async () => {
  const { server, sender, got, objects } = await way();
  await sender.send(ToLane.batch, [1], "small");
  await sender.send(ToLane.batch, [2], LARGE);
  await settle();
  assertEquals(got, ["small", LARGE]);
  assertEquals([server.waiting, objects.size], [0, 0]);
});

Deno.test("what a job gives to all lanes is put once, and stays", async () => {
  const { server, sender, got, objects } = await way();
  for (let lane = 0; lane < 3; lane++) await sender.send(ToLane.shared, [0], LARGE);
  await settle();
  assertEquals([got.length, server.waiting, [...objects.keys()]], [3, 0, ["shared"]]);
});

Deno.test("what is delivered again counts once, a large one too", async () => {
  const { server, sender, got, news } = await way(false);
  await sender.send(ToLane.batch, [1], "small");
  await sender.send(ToLane.batch, [2], LARGE);
  await settle();
  server.redeliver();
  await settle();
  assertEquals([got, news], [["small", LARGE], [true, true, false, false]]);
});

Deno.test("what can't be stored is tried until it is, whatever the server says", async () => {
  using time = new VirtualTime();
  const { server, sender, got } = await way();
  for (const failure of ["no answer", "full"]) {
    server.failure = new Error(failure);
    const sent = sender.send(ToLane.batch, [1], failure);
    for (let step = 0; step < 20; step++) {
      await settle();
      time.pass(1000);
    }
    assertEquals(got.includes(failure), false);
    server.failure = undefined;
    await settle();
    time.pass(1000);
    await sent;
    await settle();
  }
  assertEquals([got, server.stored.length, time.timers], [["no answer", "full"], 2, 0]);
});

Deno.test("what can't be cloned is refused at once, and takes no number", async () => {
  const { sender, got } = await way();
  assertThrows(() => sender.send(ToLane.batch, [1], () => {}));
  await sender.send(ToLane.batch, [2], "next");
  await settle();
  assertEquals(got, ["next"]);
});

Deno.test("a frame without a number is no message", async () => {
  const { receiver, got } = await way();
  const [bytes] = encodeFrame(ToLane.batch, [], undefined);
  await assertRejects(() => receiver.take(bytes!, undefined), TypeError, "no number");
  assertEquals(got, []);
});

Deno.test("who has closed its end hears nothing more, and tries nothing more", async () => {
  using time = new VirtualTime();
  const { server, sender } = await way();
  server.failure = new Error("no answer");
  const sent = sender.send(ToLane.batch, [1], "a");
  await settle();
  sender.close();
  await sent;
  assertEquals([time.timers, server.stored], [0, []]);
  const other = await way();
  other.receiver.close();
  await other.sender.send(ToLane.batch, [1], "b");
  await settle();
  assertEquals([other.got, other.server.stored.length], [[], 1]);
});

Deno.test("whatever is lost, repeated or reordered on the way, all arrives in order and once", async () => {
  const fate = fc.record({
    lost: fc.nat({ max: 3 }),
    copies: fc.nat({ max: 2 }),
    lateMs: fc.nat(99),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 12 }), async (fates) => {
      using time = new VirtualTime();
      const post: Post = { broker: new FakeServer().connect(), queue: "", kept: new Map() };
      const got: unknown[] = [];
      const receiver = new Receiver<undefined>(post, (frame) => got.push(payloadOf(frame)));
      const left = fates.map(({ lost }) => lost);
      const carry = (number: number, bytes: Uint8Array) => {
        const { copies, lateMs } = fates[number]!;
        // A message whose sending failed may have arrived all the same.
        const isLost = left[number]! > 0;
        const there = isLost ? left[number]! % 2 : 1 + copies;
        for (let copy = 0; copy < there; copy++) {
          setTimeout(() => void receiver.take(bytes, undefined), lateMs * (copy + 1));
        }
        if (!isLost) return Promise.resolve();
        left[number]!--;
        return Promise.reject(new Error("no answer"));
      };
      const sender = new Sender(post, carry);
      const sent = fates.map((_, at) => sender.send(ToLane.batch, [], at));
      for (let step = 0; step < 8; step++) {
        await settle();
        time.pass(1000);
      }
      await Promise.all(sent);
      assertEquals(got, fates.map((_, at) => at));
      assertEquals(time.timers, 0);
    }),
    { seed: 7, numRuns: 50 },
  );
});

Deno.test("in place of what is refused for long stands what is said of it, once there is room", async () => {
  for (const [roomMs, wanted] of [[3000, "first"], [9000, "other"]] as const) {
    using time = new VirtualTime();
    const got: unknown[] = [];
    const said: string[] = [];
    const post: Post = { broker: new FakeServer().connect(), queue: "", kept: new Map() };
    const receiver = new Receiver<undefined>(post, (frame) => got.push(payloadOf(frame)));
    const carry = async (_number: number, bytes: Uint8Array) => {
      if (performance.now() < roomMs) throw new Error("full");
      await receiver.take(bytes, undefined);
    };
    const sender = new Sender(post, carry);
    const sent = sender.send(ToLane.batch, [], "first", ({ message }) => {
      said.push(message);
      return [ToLane.batch, [], "other"];
    });
    for (let step = 0; step < 20; step++) {
      await settle();
      time.pass(1000);
    }
    await sent;
    const told = wanted === "other" ? ["Cannot use fake://server: it is full; empty it"] : [];
    assertEquals([got, said, time.timers], [[wanted], told, 0]);
  }
});
