/** A job's view of its machines, which are fake here; time is virtual. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BEAT_MS,
  type Broker,
  type LeaseAnswer,
  type LeaseRequest,
  queueOf,
  Subject,
} from "../../../lib/lanes/cluster/broker.ts";
import { Cluster, type Lease, UNREADABLE } from "../../../lib/lanes/cluster/cluster.ts";
import { ClusterChannel } from "../../../lib/lanes/cluster/cluster_channel.ts";
import { Sender } from "../../../lib/lanes/cluster/post.ts";
import { LaneStartError } from "../../../lib/lanes/errors.ts";
import { FromLane, type Payload, readReport, ToLane } from "../../../lib/lanes/remote/channel.ts";
import { settle, VirtualTime } from "../../dispatch/virtual_time.ts";
import { FakeServer } from "./fake_server.ts";

const SILENCE_MS = 5000;
const MODULES = ["data:text/javascript,1"];

/** A machine that answers as the test says. */
class FakeMachine {
  readonly asked: LeaseRequest[] = [];
  readonly leased: Record<string, number[]> = {};
  answer: (request: LeaseRequest) => LeaseAnswer = () => null;
  readonly id: string;
  lanes: number;
  slots = 3;
  readonly #broker: Broker;

  constructor(server: FakeServer, id: string, lanes: number) {
    this.id = id;
    this.lanes = lanes;
    this.#broker = server.connect();
    this.#broker.listen(Subject.call, () => this.beat());
    this.#broker.listen(Subject.clock(id), () => performance.timeOrigin + performance.now() - 40);
    this.#broker.listen(Subject.lease(id), (asked) => {
      const request = asked as LeaseRequest;
      this.asked.push(request);
      const answer = this.answer(request);
      if (answer === null) (this.leased[request.job] ??= []).push(request.lane);
      return answer;
    });
  }

  beat(more: { leaves?: boolean } = {}): void {
    const { id, lanes, slots, leased } = this;
    const beat = { id, name: `machine ${id}`, lanes, slots, leased, ...more };
    this.#broker.tell(Subject.machine(id), beat);
  }
}

class World implements AsyncDisposable {
  readonly time = new VirtualTime();
  readonly server = new FakeServer();
  readonly told: string[] = [];
  readonly cluster = new Cluster({
    connect: () => Promise.resolve(this.server.connect()),
    silenceMs: SILENCE_MS,
  });
  #beating: FakeMachine[] = [];

  machine(id: string, lanes: number): FakeMachine {
    const machine = new FakeMachine(this.server, id, lanes);
    this.#beating.push(machine);
    return machine;
  }

  /** Stops a machine's beats. */
  hush(machine: FakeMachine): void {
    this.#beating = this.#beating.filter((other) => other !== machine);
  }

  lease(name: string, slots = 1): Promise<Lease> {
    return this.cluster.lease({ slots, modules: MODULES }, {
      receive: ({ kind }) => this.told.push(`${name} hears ${kind}`),
      leaving: () => this.told.push(`${name} is leaving`),
      lost: (how) => this.told.push(`${name} ${how}`),
    });
  }

  /** Lets time pass, one beat after another. */
  async beats(count: number): Promise<void> {
    for (let beat = 0; beat < count; beat++) {
      for (const machine of this.#beating) machine.beat();
      this.time.pass(BEAT_MS);
      for (let turn = 0; turn < 3; turn++) await settle();
    }
  }

  /** Lets time pass until a promise settles: digests of modules take real time, not virtual time. */
  async soon<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => isOver = true;
    promise.then(over, over);
    while (!isOver) await this.beats(1);
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close();
    assertEquals([this.time.timers, this.server.queues.size], [0, 0]);
    this.time[Symbol.dispose]();
  }
}

function test(name: string, fn: (world: World) => Promise<void>): void {
  Deno.test(name, async () => {
    await using world = new World();
    await fn(world);
  });
}

test("lanes are leased of the machine with the most room, and given back", async (world) => {
  const [small, large] = [world.machine("small", 1), world.machine("large", 2)];
  const leases: Lease[] = [];
  for (const name of ["a", "b", "c"]) leases.push(await world.lease(name));
  assertEquals([small.asked.length, large.asked.length, world.cluster.lanes], [1, 2, 3]);
  assertEquals(leases.map(({ clockOffsetMs }) => clockOffsetMs), [40, 40, 40]);
  await assertRejects(
    () => world.lease("d"),
    LaneStartError,
    "all lanes at fake://server that may run it, of which there are 3, are in use",
  );
  world.cluster.end(leases[0]!);
  await world.lease("e");
});

test("while no machine joins, that is said once some have had time to", async (world) => {
  const failing = assertRejects(() => world.lease("a"), LaneStartError, "no machine has joined");
  await world.soon(failing);
  const late = world.lease("b");
  await world.beats(1);
  world.machine("late", 1);
  assertEquals((await world.soon(late)).machine.name, "machine late");
});

test("that the last machine is gone, and none came in its place, is said in these words", async (world) => {
  const one = world.machine("one", 1);
  await world.lease("a");
  world.hush(one);
  one.beat({ leaves: true });
  const gone = "all machines at fake://server were lost or left, and none has joined since";
  const lostMs = world.time.nowMs;
  await world.soon(assertRejects(() => world.lease("b"), LaneStartError, gone));
  assert(world.time.nowMs >= lostMs + 60_000);
  // A later request need not wait as long again, and fails with the same words.
  await world.soon(assertRejects(() => world.lease("c"), LaneStartError, gone));
});

test("a machine that has no lanes any more is about to leave: it gets nothing more", async (world) => {
  const [one, other] = [world.machine("one", 2), world.machine("other", 1)];
  await world.lease("a");
  one.lanes = 0;
  const late = world.machine("late", 0);
  await world.beats(2);
  assertEquals(world.told, ["a is leaving", "a is leaving"]);
  assertEquals(world.cluster.lanes, 1);
  assertEquals((await world.lease("b")).machine.name, "machine other");
  await assertRejects(() => world.lease("c"), LaneStartError, "of which there is 1, are in use");
  assertEquals([one, other, late].map(({ asked }) => asked.length), [1, 1, 0]);
});

const refuses = ({ insists }: LeaseRequest) =>
  insists ? null : { refused: "it is not allowed", forModule: true };

test("a machine that refuses a module is passed over, and has no room for it", async (world) => {
  const [one, other] = [world.machine("one", 2), world.machine("other", 1)];
  one.answer = refuses;
  assertEquals((await world.lease("a")).machine.name, "machine other");
  assertEquals([one.asked.length, other.asked.length], [1, 1]);
  const full = "all lanes at fake://server that may run it, of which there is 1, are in use";
  await assertRejects(() => world.lease("b"), LaneStartError, full);
});

test("if all machines refuse a module, one gives the lane, whose loading says why", async (world) => {
  const machines = [world.machine("one", 1), world.machine("other", 2)];
  for (const machine of machines) machine.answer = refuses;
  assertEquals((await world.lease("a")).machine.name, "machine other");
  assertEquals(machines.map(({ asked }) => asked.map(({ insists }) => insists)), [
    [false],
    [false, true],
  ]);
});

test("a machine that has yet to end lanes is asked again, and not for ever", async (world) => {
  const machine = world.machine("busy", 1);
  machine.answer = () => ({ refused: "all its 1 lanes are in use", forModule: false });
  const failing = assertRejects(() => world.lease("a"), LaneStartError, "machine busy: all its");
  await world.soon(failing);
  assertEquals(machine.asked.length, 6);
});

test("a lease that waits to ask a machine again ends with its job, and leaves no timer", async (world) => {
  const machine = world.machine("busy", 1);
  machine.answer = () => ({ refused: "all its 1 lanes are in use", forModule: false });
  const ended = assertRejects(() => world.lease("a"), LaneStartError, "the executor was closed");
  while (machine.asked.length === 0) await world.beats(1);
  await world.cluster.close();
  await ended;
});

test("a machine that gives no lane is asked after those that do", async (world) => {
  const [broken, other] = [world.machine("broken", 4), world.machine("other", 1)];
  broken.answer = () => ({ refused: "no program of that name", forModule: false });
  assertEquals((await world.soon(world.lease("a"))).machine.name, "machine other");
  assertEquals([broken.asked.length, other.asked.length], [1, 1]);
});

test("so is a machine whose lanes end before they are ready", async (world) => {
  const [broken, other] = [world.machine("broken", 4), world.machine("other", 1)];
  const ended = Promise.withResolvers<string>();
  const events = { message: () => {}, ended: ended.resolve };
  new ClusterChannel(events, world.cluster, { slots: 1, modules: MODULES });
  while (broken.asked.length === 0) await world.beats(1);
  const { job, lane } = broken.asked[0]!;
  const broker = world.server.connect();
  const post = { broker, queue: queueOf(job), kept: new Map() };
  const sender = new Sender(post, (_, bytes) => broker.hand(Subject.from(job, lane), bytes));
  await sender.send(FromLane.ended, [], "exited with code 1");
  assertEquals(await ended.promise, "exited with code 1");
  assertEquals((await world.soon(world.lease("a"))).machine.name, "machine other");
  assertEquals([broken.asked.length, other.asked.length], [1, 1]);
});

test("a machine that doesn't answer is not asked for a lane again", async (world) => {
  const mute = world.machine("mute", 2);
  mute.answer = () => {
    throw new Error("no answer");
  };
  world.machine("other", 1);
  assertEquals((await world.lease("a")).machine.name, "machine other");
  await assertRejects(() => world.lease("b"), LaneStartError, "in use");
  assertEquals(mute.asked.length, 2);
});

test("a machine that isn't heard of for so long is lost, with its lanes", async (world) => {
  const [one, other] = [world.machine("one", 1), world.machine("other", 1)];
  await world.lease("a");
  await world.lease("b");
  world.hush(one);
  await world.beats(4);
  assertEquals(world.told, []);
  await world.beats(2);
  const lost = "was lost: its machine machine one has not been heard of for 5000 ms";
  assertEquals([world.told, world.cluster.lanes], [[`a ${lost}`], other.lanes]);
});

test("while nobody is heard, this program itself not either, nobody is lost", async (world) => {
  world.machine("one", 1);
  await world.lease("a");
  world.server.isDeaf = true;
  await world.beats(20);
  world.server.isDeaf = false;
  await world.beats(4);
  assertEquals(world.told, []);
});

test("a server that doesn't answer for a minute is given up with all lanes, and asked anew", async (world) => {
  world.machine("one", 1);
  await world.lease("a");
  world.server.isCut = true;
  await world.beats(59);
  assertEquals(world.told, []);
  await world.beats(1);
  assertEquals(world.told, ["a was lost: fake://server has not answered for 60000 ms"]);
  assertEquals(world.cluster.lanes, undefined);
  world.server.isCut = false;
  assertEquals((await world.soon(world.lease("b"))).machine.name, "machine one");
});

test("what all lanes are given is put again where a queue is made anew", async (world) => {
  world.machine("one", 1);
  const shares = async (lease: Lease) => {
    await lease.sender.send(ToLane.shared, [], ["x".repeat(1 << 14)]);
    return [...world.server.queues.get(queueOf(world.cluster.id))!.objects.keys()];
  };
  assertEquals(await shares(await world.lease("a")), ["shared"]);
  world.server.isCut = true;
  await world.beats(60);
  world.server.isCut = false;
  assertEquals(await shares(await world.soon(world.lease("b"))), ["shared"]);
});

test("one that answers again within a minute has lost nothing", async (world) => {
  world.machine("one", 1);
  await world.lease("a");
  for (let cuts = 0; cuts < 2; cuts++) {
    world.server.isCut = true;
    await world.beats(59);
    world.server.isCut = false;
    await world.beats(1);
  }
  assertEquals(world.told, []);
});

test("a lane has as many slots as were asked for, if its machine's operator allows so many", async (world) => {
  world.machine("one", 2);
  assertEquals((await world.lease("a", 2)).slots, 2);
  assertEquals((await world.lease("b", 200)).slots, 3);
});

test("a machine that leaves says so, and its lanes are lost at once", async (world) => {
  const machine = world.machine("one", 1);
  await world.lease("a");
  machine.beat({ leaves: true });
  assertEquals(world.told, ["a left with its machine machine one"]);
  assertEquals(world.cluster.lanes, undefined);
});

test("a lane that its machine doesn't name three times in a row is lost", async (world) => {
  const machine = world.machine("one", 1);
  await world.lease("a");
  const [job] = Object.keys(machine.leased);
  machine.leased[job!] = [];
  await world.beats(2);
  assertEquals(world.told, []);
  await world.beats(1);
  assertEquals(world.told, ["a was lost: its machine machine one has ended it"]);
});

test("what a lane says is heard until it is given back, and acknowledged always", async (world) => {
  world.machine("one", 1);
  const lease = await world.lease("a");
  const { id } = world.cluster;
  const broker = world.server.connect();
  const post = { broker, queue: queueOf(id), kept: new Map() };
  const hand = (_number: number, bytes: Uint8Array) => broker.hand(Subject.from(id, 1), bytes);
  const sender = new Sender(post, hand);
  await sender.send(FromLane.ready, [0]);
  assertEquals(world.told, [`a hears ${FromLane.ready}`]);
  world.cluster.end(lease);
  await sender.send(FromLane.report, [0]);
  assertEquals(world.told.length, 1);
});

test("what is no message of a lane ends it, and is told to nobody", async (world) => {
  const machine = world.machine("broken", 1);
  const broker = world.server.connect();
  const { id } = world.cluster;
  const bad: [number, number[], unknown?][] = [
    [FromLane.started, [1]],
    [FromLane.started, [1, NaN, 0]],
    [FromLane.report, [1]],
    [FromLane.ready, []],
    [FromLane.ended, [], null],
    [99, [1]],
  ];
  for (const [at, said] of bad.entries()) {
    const told: string[] = [];
    const channel = new ClusterChannel(
      {
        message: (kind, head, payload) => {
          if (kind === FromLane.report) readReport(head, 0, payload as Payload);
          told.push(`message ${kind}`);
        },
        ended: (how) => told.push(how),
      },
      world.cluster,
      { slots: 1, modules: MODULES },
    );
    while (machine.asked.length <= at) await world.beats(1);
    const { lane } = machine.asked.at(-1)!;
    const post = { broker, queue: queueOf(id), kept: new Map() };
    const hand = (_number: number, bytes: Uint8Array) => broker.hand(Subject.from(id, lane), bytes);
    await new Sender(post, hand).send(...said);
    await world.beats(1);
    assertEquals(told, [UNREADABLE], String(said));
    await channel.close();
  }
});

test("what a lost lane was sent and never answered doesn't stay in the store", async (world) => {
  const machine = world.machine("one", 2);
  const leases = [await world.lease("a"), await world.lease("b")];
  for (const { sender } of leases) void sender.send(ToLane.batch, [1, 1, 1], [7]);
  await settle();
  assertEquals(world.server.waiting, 2);
  machine.leased[world.cluster.id] = [2];
  await world.beats(3);
  assertEquals([world.told.length, world.server.waiting], [1, 1]);
});

test("who waits for a lane that is about to be given back has it then", async (world) => {
  world.machine("one", 1);
  const first = await world.lease("a");
  first.isLeaving = true;
  const next = world.lease("b");
  await settle();
  world.cluster.end(first);
  await next;
});

test("an item that ended two lanes is kept with its reason, no longer than a page", async (world) => {
  world.machine("one", 1);
  await world.lease("a");
  const task = { module: "file:///task.ts", export: "default" };
  const reason = new Error("x".repeat(9999));
  world.cluster.bury({ task, index: 3, item: { a: 1 }, reason });
  const [letter] = world.server.letters;
  assertEquals([letter!.task, letter!.index, letter!.item], [
    "default of file:///task.ts",
    3,
    "{ a: 1 }",
  ]);
  assertEquals(letter!.reason.length, 2000);
});

for (const opens of [true, false]) {
  Deno.test(`closing waits a few seconds for a server that ${opens ? "answers no more" : "has never answered"}`, async () => {
    using time = new VirtualTime();
    const server = new FakeServer();
    new FakeMachine(server, "one", 1);
    let ended = 0;
    const broker: Broker = {
      ...server.connect(),
      removeQueue: () => new Promise(() => {}),
      close: () => Promise.resolve(void ended++),
    };
    const connect = () => opens ? Promise.resolve(broker) : new Promise<Broker>(() => {});
    const cluster = new Cluster({ connect, silenceMs: SILENCE_MS });
    const events = { receive: () => {}, leaving: () => {}, lost: () => {} };
    const leased = cluster.lease({ slots: 1, modules: MODULES }, events);
    if (opens) await leased;
    let hasClosed = false;
    const closing = cluster.close().then(() => hasClosed = true);
    await settle();
    time.pass(2_999);
    await settle();
    assertEquals([hasClosed, ended], [false, 0]);
    time.pass(1);
    await closing;
    assertEquals([ended, time.timers], [Number(opens), 0]);
  });
}

Deno.test("once it is closed nothing reads modules for a lane that nobody wants any more", async () => {
  let isOver = false;
  const events = { receive: () => {}, leaving: () => {}, lost: () => {} };
  const modules = [`data:text/javascript,${" ".repeat(1 << 25)}`, ...MODULES];
  {
    await using world = new World();
    const lease = world.cluster.lease({ slots: 1, modules }, events);
    lease.catch((error) => isOver = error instanceof LaneStartError);
    await settle();
  }
  assert(isOver);
});
