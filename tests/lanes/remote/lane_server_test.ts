import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { CloneError, TaskLoadError } from "../../../lib/lanes/errors.ts";
import { Cells, SEVERAL } from "../../../lib/lanes/remote/cells.ts";
import { FromLane, ToLane } from "../../../lib/lanes/remote/channel.ts";
import { type Envelope, openEnvelope, sealEnvelope } from "../../../lib/lanes/remote/envelope.ts";
import type { MakeRun } from "../../../lib/lanes/remote/lane_server.ts";
import { settle } from "../batch.ts";
import { serverOver } from "./fake_channel.ts";
import { give, load, loaded, NUMBERS, reports, short } from "./served.ts";
import { openGate, parts, reached, taskNamed } from "./tasks.ts";
import { bothWays, toThread } from "./ways.ts";

Deno.test("a task is loaded and told of, or told why it can't be", async () => {
  const over = serverOver();
  assertEquals((await load(over, "same")).head, [NUMBERS.same]);
  const { head, payload } = await load(over, "nothing");
  const error = openEnvelope(payload as Envelope);
  assertInstanceOf(error, TaskLoadError);
  assertEquals(head, [NUMBERS.nothing]);
  assertStringIncludes(error.message, '"nothing"');
});

Deno.test("tasks are loaded one after another, so that it is known which one is being loaded", async () => {
  const { server, said, next } = serverOver();
  const gate = Promise.withResolvers<void>();
  Object.assign(globalThis, { loadingGate: gate.promise });
  const slow = "data:text/javascript,await globalThis.loadingGate; export default () => 1";
  const fails = next(FromLane.unloadable);
  server.receive(ToLane.load, [1], { module: slow, export: "missing", isProgram: false });
  server.receive(ToLane.load, [2], { ...taskNamed("same"), isProgram: false });
  await settle();
  assertEquals(said.map(({ kind, head }) => [kind, head]), [[FromLane.loading, [1, 0]]]);
  const loads = next(FromLane.loaded);
  gate.resolve();
  await Promise.all([fails, loads]);
  assertEquals(said.map(({ head }) => head), [[1, 0], [1], [2, 0], [2]]);
});

Deno.test("as many batches run at a time as there are slots, the others wait in their order", async () => {
  const { server, said } = await loaded({ slots: 2 });
  give(server, 1, "gated", ["first"]);
  give(server, 2, "gated", ["second"]);
  give(server, 3, "play", ["third"]);
  give(server, 4, "play", ["fourth"]);
  const ran: string[] = [];
  parts.set("third", () => ran.push("third"));
  parts.set("fourth", () => ran.push("fourth"));
  await Promise.all([reached("first"), reached("second")]);
  assertEquals(ran, []);
  openGate("second");
  await settle();
  assertEquals([ran, reports(said).map(({ id }) => id)], [["third", "fourth"], [2, 3, 4]]);
  openGate("first");
  await settle();
  assertEquals(reports(said).at(-1)?.id, 1);
});

Deno.test("values and failures come back, undefined ones too, with errors as what they were", async () => {
  const { server, said } = await loaded();
  parts.set("fails", () => {
    throw Object.assign(new RangeError("no"), { code: "E" });
  });
  parts.set("gives an error", () => new TypeError("a value"));
  give(server, 1, "same", [undefined, undefined]);
  give(server, 2, "play", ["gives an error", "fails"]);
  give(server, 3, "same", [new TypeError("an item")]);
  const [nothing, mixed, item] = reports(said);
  assertEquals(short(nothing!), [1, [undefined, undefined], []]);
  assertInstanceOf(mixed!.values![0], TypeError);
  const { offset, ended, reason } = mixed!.failures![0]!;
  assertEquals([offset, ended, (reason as { code?: string }).code], [1, "failed", "E"]);
  assertInstanceOf(reason, RangeError);
  assertInstanceOf(item!.values![0], TypeError);
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`results that can't be sent ${name} become failures, in order among those that failed`, async () => {
    const { server, said } = await loaded({ cloning });
    parts.set("symbol", () => Symbol("a"));
    parts.set("fails", () => {
      throw new Error("own");
    });
    parts.set("proxy", () => new Proxy({}, {}));
    parts.set("well", () => [4, new Error("kept")]);
    give(server, 1, "play", ["symbol", "fails", "proxy", "well"]);
    const [report] = reports(said);
    const { failures, values } = report!;
    assertEquals(failures!.map(({ offset, ended }) => `${offset} ${ended}`), [
      "0 failed",
      "1 failed",
      "2 failed",
    ]);
    const [symbol, own, proxy] = failures!.map(({ reason }) => reason as Error);
    assertInstanceOf(symbol, CloneError);
    assertEquals(
      symbol.message,
      "Cannot send the result of item 10 of tasks.ts#play to another lane: it is a symbol",
    );
    assertEquals(own!.message, "own");
    assertStringIncludes(proxy!.message, "the result of item 12");
    const [four, kept] = values![3] as [number, Error];
    assertEquals([four, kept.message, said.length], [4, "kept", 1]);
  });
}

for (const transfer of [false, true]) {
  Deno.test(`a result whose getter throws fails its item alone, ${transfer ? "moved" : "copied"}`, async () => {
    const { server, said } = await loaded();
    parts.set("throws when read", () => ({
      get page() {
        throw new Error("not loaded");
      },
    }));
    parts.set("well", () => "well");
    give(server, 1, "play", ["throws when read", "well"], { transfer });
    const [report] = reports(said);
    assertEquals(short(report!), [1, [undefined, "well"], ["0 failed"]]);
    assertStringIncludes((report!.failures![0]!.reason as Error).message, "not loaded");
  });
}

// Asking to stop

Deno.test("a running task is asked to stop, and that it was asked is told", async () => {
  const { server, said } = await loaded();
  give(server, 1, "gated", ["cancelled one", "never"]);
  server.receive(ToLane.ask, [1, 1], sealEnvelope(new RangeError("enough"), toThread()));
  await settle();
  assertEquals(said.map(({ kind }) => kind), [FromLane.asked, FromLane.report]);
  const { count, failures } = reports(said)[0]!;
  assertEquals([count, failures![0]!.ended, String(failures![0]!.reason)], [
    1,
    "cancelled",
    "RangeError: enough",
  ]);
  server.receive(ToLane.ask, [1, 1], undefined);
  assertEquals(said.at(-1), { kind: FromLane.asked, head: [1], payload: undefined });
});

Deno.test("a task past its deadline is asked to stop, and the next item runs", async () => {
  const { server, said } = await loaded();
  give(server, 1, "gated", ["late one", "early one"], { timeoutMs: 1e9 });
  openGate("early one");
  server.receive(ToLane.ask, [1, 0, 0], undefined);
  await settle();
  assertEquals(reports(said).map(short), [[1, [undefined, "early one"], ["0 timed-out"]]]);
});

Deno.test("word of a deadline that comes when its task has ended stops none that runs then", async () => {
  const { server, said } = await loaded();
  give(server, 1, "gated", ["in time", "behind it"], { timeoutMs: 1e9 });
  openGate("in time");
  await settle();
  server.receive(ToLane.ask, [1, 0, 0], undefined);
  openGate("behind it");
  await settle();
  assertEquals(reports(said).map(short), [[1, ["in time", "behind it"], []]]);
});

for (const shares of [true, false]) {
  const where = shares ? "a thread" : "a process";
  Deno.test(`a batch that waits in ${where} and is cancelled starts none of its items`, async () => {
    const cells = shares ? new Cells(1) : undefined;
    const { server, said } = await loaded({ ...(cells !== undefined && { cells }) });
    const [running, waiting] = [cells?.offer() ?? 1, cells?.offer() ?? 2];
    const gate = `busy in ${where}`;
    const ran: string[] = [];
    parts.set("waits", () => ran.push("waits"));
    give(server, running, "gated", [gate]);
    give(server, waiting, "play", ["waits"]);
    cells?.cancel(waiting);
    server.receive(ToLane.ask, [waiting, 1], undefined);
    openGate(gate);
    await settle();
    assertEquals(ran, []);
    const ends = reports(said).map(({ id, count, last }) => [id, count, last]);
    assertEquals(new Set(ends), new Set([[running, 1, true], [waiting, 0, true]]));
  });
}

Deno.test("a batch that was taken back is passed over", async () => {
  const cells = new Cells(1);
  const { server, said } = await loaded({ cells });
  const ids = [cells.offer(), cells.offer(), cells.offer()] as const;
  give(server, ids[0], "gated", ["before"]);
  give(server, ids[1], "same", ["taken back"]);
  give(server, ids[2], "same", ["after"]);
  cells.take(ids[1]);
  openGate("before");
  await settle();
  assertEquals(reports(said).map(({ id }) => id), [ids[0], ids[2]]);
});

// Reports of starts and ends

Deno.test("where it is wanted, each item's start is told before it starts", async () => {
  const { server, said } = await loaded();
  parts.set("looks", () => said.length);
  give(server, 1, "play", ["looks", "looks"], { tellsStarts: true });
  give(server, 2, "same", ["unmarked"]);
  const marks = said.filter(({ kind }) => kind === FromLane.started);
  assertEquals(marks.map(({ head: [id, offset] }) => [id, offset]), [[1, 0], [1, 1]]);
  assertEquals(reports(said)[0]!.values, [1, 2]);
  const { startedAtMs } = reports(said)[0]!;
  assertEquals(marks[0]!.head[2], startedAtMs);
});

Deno.test("with shared memory no start is told of, for it can be seen", async () => {
  const cells = new Cells(1);
  const { server, said } = await loaded({ cells });
  const id = cells.offer();
  give(server, id, "gated", ["seen", "seen too"], { tellsStarts: true });
  await reached("seen");
  const { offset, waits } = cells.state(id)!;
  assertEquals([offset, waits, said], [0, true, []]);
  openGate("seen");
  await reached("seen too");
  assertEquals(cells.state(id)?.offset, 1);
  openGate("seen too");
  await settle();
});

Deno.test("a lane tells its CPU time and memory when it is asked", () => {
  const { server, said } = serverOver();
  server.receive(ToLane.usage, [], undefined);
  assertEquals(said, [{ kind: FromLane.usage, head: [1.5, NaN], payload: undefined }]);
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`a lane that is about to end says first what has ended in it and what runs, ${name}`, async () => {
    const { server, said } = await loaded({ cloning, slots: 3 });
    const gate = (of: string) => `${of} ${name}`;
    give(server, 1, "gated", [gate("ended"), gate("runs")]);
    give(server, 2, "gated", [gate("runs as well")]);
    give(server, 3, "same", ["done"]);
    openGate(gate("ended"));
    await reached(gate("runs"));
    said.length = 0;
    server.announceEnd("called Deno.exit(3)", new RangeError("x"));
    assertEquals(said.map(({ kind, head }) => [kind, ...head.slice(0, 2)]), [
      [FromLane.report, 1, 1],
      [FromLane.started, 1, 1],
      [FromLane.started, 2, 0],
      [FromLane.ending],
    ]);
    const [report] = reports(said);
    assertEquals([short(report!), report!.last], [[1, [gate("ended")], []], false]);
    const { how, error } = said.at(-1)!.payload as { how: string; error: Envelope };
    assertEquals([how, String(openEnvelope(error))], ["called Deno.exit(3)", "RangeError: x"]);
    for (const  of of["runs", "runs as well"]) openGate(gate(of));
    await settle();
  });
}

Deno.test("a lane that ends without an error, and with shared memory, says no more than needed", async () => {
  const cells = new Cells(1);
  const { server, said } = await loaded({ cells });
  give(server, cells.offer(), "gated", ["runs in a thread"]);
  server.announceEnd("called self.close()");
  assertEquals(said, [
    { kind: FromLane.ending, head: [], payload: { how: "called self.close()", error: undefined } },
  ]);
  openGate("runs in a thread");
  await settle();
  assert(reports(said).length === 1);
});

Deno.test("where several items of a batch run together, a lane that ends tells that of the batch", async () => {
  const cells = new Cells(2);
  let made = 0;
  const make: MakeRun = (batch) => {
    const at = { batch, offset: 0, current: 1, sinceMs: 3, running: true };
    return { ...at, together: ++made, start() {}, ask() {}, reportEnded() {} };
  };
  const runner = {
    device: { name: "", software: true },
    ready: () => Promise.resolve(make),
  };
  const { server } = await loaded({ cells, slots: 2, runner });
  const ids = [cells.offer(), cells.offer()] as const;
  for (const id of ids) give(server, id, "same", ["a", "b"]);
  cells.starting(ids[0], 1, 3);
  server.announceEnd("called self.close()");
  assertEquals(ids.map((id) => cells.state(id)?.offset), [1, SEVERAL]);
});

// Set-up

Deno.test("a set-up is announced, is given what is shared, and is disposed when that is asked for", async () => {
  const { server, said, next } = serverOver();
  const code = `export const setup = ({ shared }) => ({
      n: shared.n,
      [Symbol.dispose]() { throw new RangeError("disposed of " + this.n); },
    });
    export default (_, { resource, shared }) => [resource.n, shared.n];`;
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  server.receive(ToLane.shared, [], [{ n: 5 }]);
  const loaded = next(FromLane.loaded);
  server.receive(ToLane.load, [NUMBERS.same], { module, export: "default", isProgram: false });
  await loaded;
  assertEquals(said.map(({ kind, head }) => [kind, head]), [
    [FromLane.loading, [NUMBERS.same, 0]],
    [FromLane.loading, [NUMBERS.same, 1]],
    [FromLane.loaded, [NUMBERS.same]],
  ]);
  give(server, 1, "same", ["x"]);
  assertEquals(reports(said).map(short), [[1, [[5, 5]], []]]);
  const disposed = next(FromLane.disposed);
  server.receive(ToLane.dispose, [], undefined);
  const errors = ((await disposed).payload as Envelope[]).map(openEnvelope) as Error[];
  assertEquals(errors.map(({ name, message }) => [name, message.split("failed: ")[1]]), [
    ["TeardownError", "disposed of 5"],
  ]);
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`what is to be given back whole ${name} becomes a failure where it would arrive otherwise`, async () => {
    const { server, said } = await loaded({ cloning });
    class Money {
      constructor(readonly cents: number) {}
    }
    class Refused extends Error {}
    const results: [string, () => unknown, string | undefined][] = [
      ["number", () => 1, undefined],
      ["plain", () => ({ a: [1, new Map([[1, new Date(0)]])] }), undefined],
      [
        "error",
        () => ({ error: new RangeError("no", { cause: new TypeError("nor") }) }),
        undefined,
      ],
      ["class", () => ({ paid: new Money(1) }), ".paid is a Money, which would arrive without its"],
      ["url", () => new URL("http://localhost/"), "it is a URL, which would arrive empty"],
      ["error's class", () => [new Refused("no")], "[0] is a Refused, which would arrive without"],
      ["symbol", () => ({ [Symbol("a")]: 1 }), "it has the key Symbol(a), which would not arrive"],
      ["view", () => Buffer.from("a"), "it is a Buffer, which would arrive as Uint8Array"],
      ["frozen", () => [Object.freeze({ a: 1 })], "[0] is frozen, and would arrive as what can"],
      ["sealed", () => Object.seal({ a: 1 }), "it is sealed, and would arrive as what can"],
      ["closed", () => Object.preventExtensions([1]), "it is closed to new properties, and would"],
      ["frozen map", () => Object.freeze(new Map()), "it is frozen, and would arrive as what can"],
      ["getter", () => ({
        get a() {
          return 1;
        },
      }), "it has the getter a, which would arrive as"],
      [
        "fixed",
        () => Object.defineProperty({}, "a", { enumerable: true }),
        "it has the property a, which can't be changed",
      ],
      ["no prototype", () => ({ a: Object.create(null) }), ".a has no prototype, and would arrive"],
      [
        "own prototype",
        () => Object.create({ a: 1 }),
        "it has a prototype of its own, which would",
      ],
      [
        "lists' prototype",
        () => Object.setPrototypeOf([], { a: 1 }),
        "it has a prototype of its own",
      ],
      [
        "search",
        () => Object.assign(/a/g, { lastIndex: 1 }),
        "it is a RegExp whose lastIndex 1 would",
      ],
      [
        "hidden",
        () => Object.defineProperty([1], "a", { value: 1 }),
        "it has the property a, which isn't",
      ],
      [
        "hidden in a map",
        () => Object.defineProperty(new Map(), "a", { value: 1 }),
        "it has the property a, which isn't",
      ],
      [
        "symbol on a date",
        () => Object.assign(new Date(), { [Symbol("a")]: 1 }),
        "it has the key Symbol(a)",
      ],
      [
        "view's own",
        () => Object.assign(new Uint8Array(2), { a: 1 }),
        "it has the property a, which would not",
      ],
      [
        "frozen error",
        () => [Object.freeze(new RangeError("no"))],
        "[0] is frozen, and would arrive",
      ],
      [
        "error's getter",
        () => Object.defineProperty(new Error(), "a", { enumerable: true, get: () => 1 }),
        "it has the getter a",
      ],
      [
        "error's symbol",
        () => Object.assign(new Error(), { [Symbol("a")]: 1 }),
        "it has the key Symbol(a)",
      ],
      ["error of a platform", () => new DOMException("no", "AbortError"), undefined],
      [
        "match",
        () => [
          Object.assign(["a"], { index: 0 }),
          "a".match(/a/)!.slice(),
          ,
          1,
          new Uint8Array(3),
          /a/g,
          new String("a"),
        ],
        undefined,
      ],
    ];
    for (const [what, make] of results) parts.set(what, make);
    parts.set("throws", () => {
      throw new RangeError("outer", { cause: new Refused("inner") });
    });
    parts.set("throws plainly", () => {
      throw Object.assign(new RangeError("outer"), { code: "E" });
    });
    const items = [...results.map(([what]) => what), "throws", "throws plainly"];
    for (const together of [true, false]) {
      said.length = 0;
      if (together) give(server, 1, "play", items, { fidelity: "classes" });
      else {items.forEach((item, at) =>
          give(server, at + 1, "play", [item], { fidelity: "classes" })
        );}
      const failures = reports(said).flatMap(({ id, failures = [] }) =>
        failures.map((of) => ({ ...of, offset: of.offset + id - 1 }))
      );
      const lost = results.map(([, , lost], offset) => ({ offset, lost }))
        .filter(({ lost }) => lost !== undefined);
      assertEquals(failures.map(({ offset }) => offset), [
        ...lost.map(({ offset }) => offset),
        items.length - 2,
        items.length - 1,
      ]);
      for (const [at, { offset, lost: why }] of lost.entries()) {
        const { reason, lost } = failures[at]!;
        assertInstanceOf(reason, CloneError);
        assertEquals(reason.retryable, true);
        assertStringIncludes(lost!, why!);
        const index = together ? offset + 10 : 10;
        assertStringIncludes(
          reason.message,
          `the result of item ${index} of tasks.ts#play to another lane: ${lost}`,
        );
        assertStringIncludes(reason.message, `stay: "loop"`);
      }
      const thrown = failures.slice(-2).map(({ lost }) => lost);
      assertEquals(thrown, [
        "it holds as its cause what is a Refused, which would arrive without its class",
        undefined,
      ]);
    }
  });
}

Deno.test("of what is to be given back as data only the class may be lost", async () => {
  const { server, said } = await loaded();
  class Money {
    constructor(readonly cents: number) {}
  }
  class Told extends Money {
    toJSON() {
      return `${this.cents} cents`;
    }
  }
  class Refused extends Error {}
  parts.set("class", () => [new Money(1), new Refused("no")]);
  parts.set("throws", () => {
    throw new Refused("no");
  });
  parts.set("as JSON", () => new Told(1));
  class Shown extends Uint8Array<ArrayBuffer> {
    toJSON() {
      return this.length;
    }
  }
  parts.set("view", () => ({ bytes: Buffer.from("a") }));
  parts.set("view as JSON", () => ({ bytes: new Shown(new ArrayBuffer(2)) }));
  const items = ["class", "throws", "as JSON", "view", "view as JSON"];
  items.forEach((item, at) => give(server, at + 1, "play", [item], { fidelity: "data" }));
  const lost = reports(said).map(({ failures }) => failures?.[0]?.lost);
  assertEquals(lost, [
    undefined,
    undefined,
    "it is a Told, which would arrive without its class",
    undefined,
    ".bytes is a Shown, which would arrive without its class",
  ]);
  const [paid, error] = reports(said)[0]!.values![0] as [unknown, Error];
  assertEquals([paid, error.constructor, error.message], [{ cents: 1 }, Error, "no"]);
});
