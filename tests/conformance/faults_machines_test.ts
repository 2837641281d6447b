/**
 * The effect on a cluster's items when machines, links, the server or the program are really lost: they are
 * killed, stopped and continued, cut off, and come back.
 */

import { assert, assertEquals } from "@std/assert";
import { queueOf, Subject } from "../../lib/lanes/cluster/broker.ts";
import { openNats } from "../../lib/lanes/cluster/nats_broker.ts";
import { cluster, type Outcome } from "../../lib/mod.ts";
import { type Column, textTable } from "../../lib/report/document.ts";
import { styleOfStdout } from "../../lib/report/terminal.ts";
import { formatCount } from "../../lib/text/format.ts";
import { eventually, Gates } from "./gates.ts";
import { numbers, taskNamed, taskOf } from "./guarantee.ts";
import { LaneProcess, NatsServer } from "../nats_server.ts";
import { ROOT, runTask, startTask } from "../scripts/run_script.ts";
import { Link } from "./cluster/link.ts";
import { hasNamespaces, Namespace } from "./cluster/namespace.ts";
import { ALL, fault, oneLane, open, SILENCE_MS } from "./cluster/cluster.ts";

/** A fault's effect on a job's items. */
interface Damage {
  readonly fault: string;
  readonly items: number;
  /** How many items were started twice. */
  readonly twice: number;
  /** How many items have no result, and how many results are duplicates. */
  readonly lost: number;
  readonly doubled: number;
}

const damages: Damage[] = [];
const COLUMNS: readonly Column<Damage>[] = [
  { head: "fault", cell: ({ fault }) => fault, left: true },
  { head: "items", cell: ({ items }) => formatCount(items) },
  { head: "started twice", cell: ({ twice }) => formatCount(twice) },
  { head: "lost", cell: ({ lost }) => formatCount(lost) },
  { head: "doubled", cell: ({ doubled }) => formatCount(doubled) },
];

/**
 * Adds a row to the table that is printed at the end; fails if a result was lost or doubled.
 *
 * @param indexes The indexes of the results.
 * @param started The keys of the started items, once for each start.
 */
function note(fault: string, items: number, indexes: number[], started: readonly string[]): void {
  const twice = started.length - new Set(started).size;
  const [lost, doubled] = [items, indexes.length].map((count) => count - new Set(indexes).size);
  damages.push({ fault, items, twice, lost: lost!, doubled: doubled! });
  assertEquals([lost, doubled], [0, 0]);
}

const indexesOf = (outcomes: readonly Outcome<unknown>[]) =>
  outcomes.flatMap(({ status, index }) => status === "fulfilled" ? [index] : []);

Deno.test.afterAll(() => {
  if (damages.length > 0) console.log(textTable(COLUMNS, damages, styleOfStdout()));
});

fault(
  "a machine that is killed mid-task has its item run elsewhere, once in the results",
  async () => {
    await using server = await NatsServer.start();
    await using one = await oneLane(server);
    await using _other = await oneLane(server);
    await using gates = new Gates();
    await using executor = open(server, 2, SILENCE_MS);
    const items = numbers(6).map((n) => ({ url: gates.url, key: String(n) }));
    const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
    await gates.full(2);
    await one.end("SIGKILL");
    gates.openAll();
    const settled = await outcomes;
    assertEquals(
      settled.map((o) => o.status === "fulfilled" && o.value),
      items.map(({ key }) => key),
    );
    // An item sent ahead to the killed machine counts as an attempt, because it may have started there.
    assert(settled.every(({ attempts }) => attempts <= 2));
    note("a machine is killed mid-task", 6, indexesOf(settled), gates.arrived);
  },
);

fault("a machine that leaves ends what runs there first, and is given nothing more", async () => {
  await using server = await NatsServer.start();
  await using gates = new Gates();
  await using one = await oneLane(server);
  await using executor = open(server);
  const items = numbers(4).map((n) => ({ url: gates.url, key: String(n) }));
  const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
  await gates.full(1);
  const left = one.end();
  await using _other = await oneLane(server);
  await gates.full(2);
  gates.openAll();
  await left;
  const settled = await outcomes;
  assertEquals(
    settled.map(({ status, attempts }) => [status, attempts]),
    items.map(() => ["fulfilled", 1]),
  );
  note("a machine leaves mid-task", 4, indexesOf(settled), gates.arrived);
});

fault("a lane whose request for batches the server has lost asks for them again", async () => {
  await using server = await NatsServer.start();
  await using gates = new Gates();
  await using _one = await oneLane(server);
  await using executor = open(server, 1);
  await executor.ready(taskNamed("gated"));
  const broker = await openNats({ servers: [server.url] });
  try {
    const { name: queue } = (await broker.queues())[0]!;
    // With the lane's consumer all requests are gone; a new one of the same name knows none.
    await broker.removeConsumer(queue, "to-1");
    // Made without a request of its own, which would get the batch if the server knew it a moment longer.
    await broker["jsm"].consumers.add(queue, {
      durable_name: "to-1",
      filter_subject: Subject.to(queue.slice(queueOf("").length), 1),
      ack_policy: "explicit",
    });
  } finally {
    await broker.close();
  }
  const [answer] = await Promise.all([
    executor.run(taskNamed("gated"), { url: gates.url, key: "asked again" }),
    gates.full(1).then(() => gates.openAll()),
  ]);
  assertEquals(answer, "asked again");
});

/** A machine's connection to the server, and how it is lost. */
interface Way extends AsyncDisposable {
  readonly url: string;
  /** The network namespace of the machine; undefined if it shares this program's network. */
  readonly namespace?: Namespace;
  lose(lane: LaneProcess): void | Promise<void>;
  back(lane: LaneProcess): void | Promise<void>;
}

/** Tests that a machine with one lane is lost and comes back while another one continues. */
function lossTest(
  name: string,
  row: string,
  start: (server: NatsServer) => Way | Promise<Way>,
  ignore?: boolean,
): void {
  const fn = async () => {
    await using server = await NatsServer.start();
    await using way = await start(server);
    const { host, through } = way.namespace ?? {};
    const args = ["--lanes", "1", ...ALL.slice(0, -1), `--allow-net=${host ?? "127.0.0.1"}`];
    await using one = await LaneProcess.start(way.url, args, { through });
    await using _other = await LaneProcess.start(server.url, args);
    await using gates = new Gates(host);
    await using executor = open(server, 2, SILENCE_MS);
    const items = numbers(3).map((n) => ({ url: gates.url, key: String(n) }));
    const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
    await gates.full(2);
    await way.lose(one);
    // Once the lost lane is given up, the other lane runs its item.
    await gates.until(() => {
      if (gates.arrived.length < 4) { for (const key of gates.waiting) gates.pass(key); }
      return gates.arrived.length >= 4;
    }, "the item comes again");
    await way.back(one);
    gates.openAll();
    const settled = await outcomes;
    assertEquals(settled.map((o) => o.status === "fulfilled" && o.value), ["0", "1", "2"]);
    note(row, 3, indexesOf(settled), gates.arrived);
    // The machine has come back, and its lane is free again.
    const values = await executor.map(taskNamed("double"), numbers(50), { chunk: 1 }).toArray();
    assertEquals(values, numbers(50).map((n) => 2 * n));
  };
  fault(name, fn, ignore);
}

lossTest(
  "a machine that stalls has its item run elsewhere; what it says later counts for nothing",
  "a machine stalls, and comes back",
  ({ url }) => ({
    url,
    lose: ({ child }) => child.kill("SIGSTOP"),
    back: ({ child }) => child.kill("SIGCONT"),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
);

lossTest(
  "a machine that is cut off has its item run elsewhere; what it says later counts for nothing",
  "a machine is cut off, and comes back",
  ({ port }) => {
    const link = new Link(port);
    return {
      url: link.url,
      lose: () => link.cut(),
      back: () => link.mend(),
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    };
  },
);

/** A machine in a separate network. */
async function apart({ port }: NatsServer): Promise<Way> {
  const namespace = await Namespace.make();
  const link = new Link(port, namespace.host);
  return {
    url: link.url,
    namespace,
    lose: () => namespace.cut(),
    back: () => namespace.mend(),
    async [Symbol.asyncDispose]() {
      await namespace[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

lossTest(
  "a machine in a network of its own, whose link goes down and up, has its item run elsewhere",
  "a machine's link is down, and up again",
  apart,
  !hasNamespaces,
);

fault("over a slow link to another network all arrives once", async () => {
  await using server = await NatsServer.start();
  await using way = await apart(server);
  const { namespace } = way;
  const { through } = namespace!;
  await using _lanes = await LaneProcess.start(way.url, ["--lanes", "2", ...ALL], { through });
  await using executor = open(server);
  await executor.ready();
  await namespace!.slow();
  const settled = await executor.mapSettled(
    taskOf("export default (text) => text.length"),
    numbers(400).map((n) => "x".repeat(n)),
    { chunk: 4 },
  ).toArray();
  assertEquals(settled.map((o) => o.status === "fulfilled" && o.value), numbers(400));
  const started = settled.flatMap(({ index, attempts }) => Array(attempts).fill(String(index)));
  note("a link delays, loses and holds up packets", 400, indexesOf(settled), started);
}, !hasNamespaces);

fault("a submitter that is cut off for long loses nothing, and has nothing run twice", async () => {
  await using server = await NatsServer.start();
  await using link = new Link(server.port);
  await using _lanes = await LaneProcess.start(server.url, ["--lanes", "2", ...ALL]);
  await using gates = new Gates();
  await using executor = cluster({ servers: link.url, lanes: 2, silenceMs: SILENCE_MS });
  const items = numbers(8).map((n) => ({ url: gates.url, key: String(n) }));
  const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
  await gates.full(2);
  link.cut();
  gates.openAll();
  // The cut lasts longer than a machine may be silent.
  await new Promise((resolve) => setTimeout(resolve, 2 * SILENCE_MS));
  link.mend();
  const settled = await outcomes;
  assert(settled.every(({ status, attempts }) => status === "fulfilled" && attempts === 1));
  note("the submitter is cut off for 6 s", 8, indexesOf(settled), gates.arrived);
});

fault("over links that are slow, and torn in the midst of messages, all arrives once", async () => {
  await using server = await NatsServer.start();
  await using torn = new Link(server.port);
  await using slow = new Link(server.port);
  await using _lanes = await LaneProcess.start(torn.url, ["--lanes", "2", ...ALL]);
  await using executor = cluster({ servers: slow.url, lanes: 2 });
  await executor.ready();
  torn.tearsAfter = 100_000;
  slow.delayMs = 5;
  const settled = await executor.mapSettled(
    taskOf("export default (text) => text.length"),
    numbers(800).map((n) => "x".repeat(n)),
    { chunk: 4 },
  ).toArray();
  assertEquals(settled.map((o) => o.status === "fulfilled" && o.value), numbers(800));
  assert(torn.tears > 1, `${torn.tears} tears`);
  const started = settled.flatMap(({ index, attempts }) => Array(attempts).fill(String(index)));
  note(`links are slow, and torn mid-message`, 800, indexesOf(settled), started);
});

fault("a server that is restarted mid-job costs nothing", async () => {
  await using server = await NatsServer.start();
  await using _lanes = await LaneProcess.start(server.url, ["--lanes", "2", ...ALL]);
  await using gates = new Gates();
  await using executor = open(server);
  const items = numbers(20).map((n) => ({ url: gates.url, key: String(n) }));
  const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
  await gates.full(2);
  await server.stop("SIGKILL");
  gates.openAll();
  await server.run();
  const settled = await outcomes;
  assertEquals(
    settled.map((o) => o.status === "fulfilled" && o.value),
    items.map(({ key }) => key),
  );
  assertEquals(gates.arrived.length, 20);
  note("the server is killed and restarted mid-job", 20, indexesOf(settled), gates.arrived);
});

fault("what was sent to a server that comes back without its store is sent again", async () => {
  await using server = await NatsServer.start();
  await using _lanes = await LaneProcess.start(server.url, ["--lanes", "2", ...ALL]);
  await using gates = new Gates();
  await using executor = open(server, 2, SILENCE_MS);
  const items = numbers(20).map((n) => ({ url: gates.url, key: String(n) }));
  const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
  await gates.full(2);
  await server.stop("SIGKILL");
  await server.forget();
  gates.openAll();
  await server.run();
  const settled = await outcomes;
  assertEquals(
    settled.map((o) => o.status === "fulfilled" && o.value),
    items.map(({ key }) => key),
  );
  assert(settled.every(({ attempts }) => attempts <= 2));
  note("the server loses its store", 20, indexesOf(settled), gates.arrived);
});

fault("a server that loses its store again and again takes no item with it", async () => {
  await using server = await NatsServer.start();
  await using _lanes = await oneLane(server);
  await using gates = new Gates();
  await using executor = open(server, 1, SILENCE_MS);
  const value = executor.run(taskNamed("gated"), { url: gates.url, key: "0" });
  await gates.full(1);
  // The store is lost twice: if each loss counted as a lane ended by the task, it would be quarantined.
  for (let times = 1; times <= 2; times++) {
    await server.stop("SIGKILL");
    await server.forget();
    await server.run();
    await gates.until(() => gates.arrived.length > times, "the item comes again");
  }
  gates.openAll();
  assertEquals(await value, "0");
});

fault("a server that can't be reached for long costs nothing", async () => {
  await using server = await NatsServer.start();
  await using _lanes = await LaneProcess.start(server.url, ["--lanes", "2", ...ALL]);
  await using gates = new Gates();
  await using executor = open(server, 2, SILENCE_MS);
  const items = numbers(8).map((n) => ({ url: gates.url, key: String(n) }));
  const outcomes = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
  await gates.full(2);
  Deno.kill(server.pid, "SIGSTOP");
  gates.openAll();
  // The stop lasts longer than a machine may be silent.
  await new Promise((resolve) => setTimeout(resolve, 2 * SILENCE_MS));
  Deno.kill(server.pid, "SIGCONT");
  const settled = await outcomes;
  assertEquals(
    settled.map(({ status, attempts }) => [status, attempts]),
    items.map(() => ["fulfilled", 1]),
  );
  note("the server can't be reached for 6 s", 8, indexesOf(settled), gates.arrived);
});

fault(
  "a job whose program was killed goes on with --resume",
  async () => {
    await using server = await NatsServer.start();
    await using _lanes = await LaneProcess.start(server.url, ["--lanes", "2", ...ALL]);
    await using gates = new Gates();
    const folder = await Deno.makeTempDir();
    try {
      const lines = numbers(30).map((n) => JSON.stringify({ url: gates.url, key: String(n) }));
      await Deno.writeTextFile(`${folder}/items.jsonl`, lines.join("\n"));
      // deno-fmt-ignore
      const args = [`${ROOT}tests/conformance/tasks.ts`, "--export", "gated", "--from", "items.jsonl",
      "--model", "cluster", "--servers", server.url, "--out", "out.jsonl", "--resume"];
      const first = startTask("run", args, { cwd: folder, stdout: "null", stderr: "null" });
      await gates.full(2);
      for (let n = 0; n < 5; n++) {
        gates.pass();
        await gates.full(2);
      }
      const out = () => Deno.readTextFileSync(`${folder}/out.jsonl`).split("\n").filter(Boolean);
      await eventually(() => out().length === 5, "five results are written");
      first.kill("SIGKILL");
      await first.status;
      gates.openAll();
      const { code, stderr } = await runTask("run", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      const indexes = out().map((line) => JSON.parse(line).index as number);
      assertEquals(indexes.toSorted((a, b) => a - b), numbers(30));
      note("the submitting program is killed, and resumed", 30, indexes, gates.arrived);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
