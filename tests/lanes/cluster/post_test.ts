import { assertEquals, assertThrows } from "@std/assert";
import { queueOf, Subject } from "../../../lib/lanes/cluster/broker.ts";
import { payloadOf, type Post, Receiver, Sender } from "../../../lib/lanes/cluster/post.ts";
import { ToLane } from "../../../lib/lanes/remote/channel.ts";
import { settle, VirtualTime } from "../../dispatch/virtual_time.ts";
import { FakeServer } from "./fake_server.ts";

const JOB = "job";
const LARGE = new Uint8Array(20_000).fill(7);

/** A sender, and what its receiver gets of it; what is received is acknowledged unless told. */
async function way(acks = true) {
  const server = new FakeServer();
  const queue = queueOf(JOB);
  const post = (): Post => ({ broker: server.connect(), queue, kept: new Map() });
  const here = post();
  await here.broker.createQueue(queue, [Subject.to(JOB, "*")], JOB);
  const got: unknown[] = [];
  const news: boolean[] = [];
  const failures: unknown[] = [];
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
    (error) => failures.push(error),
  );
  return {
    server,
    sender,
    receiver,
    got,
    news,
    failures,
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

Deno.test("what can't be stored is tried until it is; what is refused for long is told", async () => {
  using time = new VirtualTime();
  const { server, sender, got, failures } = await way();
  server.failure = new Error("no answer");
  const sent = sender.send(ToLane.batch, [1], "late");
  for (let step = 0; step < 5; step++) {
    await settle();
    time.pass(1000);
  }
  assertEquals([got, failures], [[], []]);
  server.failure = undefined;
  await settle();
  time.pass(1000);
  await sent;
  await settle();
  assertEquals([got, server.stored.length], [["late"], 1]);
  server.failure = new Error("full");
  const refused = sender.send(ToLane.batch, [2], "never");
  for (let step = 0; step < 10; step++) {
    await settle();
    time.pass(1000);
  }
  await refused;
  const said = "Cannot use fake://server: it stores nothing more: full; give it more room";
  assertEquals([failures.map((error) => (error as Error).message), time.timers], [[said], 0]);
});

Deno.test("what can't be cloned is refused at once, and takes no number", async () => {
  const { sender, got } = await way();
  assertThrows(() => sender.send(ToLane.batch, [1], () => {}));
  await sender.send(ToLane.batch, [2], "next");
  await settle();
  assertEquals(got, ["next"]);
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
