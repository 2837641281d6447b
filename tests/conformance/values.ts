import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { isFixed, isRemote } from "../../lib/models.ts";
import {
  faultTask,
  type Guarantee,
  hasOwnProcess,
  numbers,
  OWN_LANE_ONLY,
  SENT_ONLY,
  taskNamed,
} from "./guarantee.ts";
import { giveErrors, giveMatrix, giveOdd, giveUnsendable } from "./fault_tasks.ts";

/** The places of a value that can't be sent, and the error's text for each. */
const UNSENDABLE: Readonly<Record<string, string>> = {
  "array": "[1] is a URL, which would arrive empty",
  "deep": ".a.b[0].url is a URL, which would arrive empty",
  "map": '.get("k") is a URL, which would arrive empty',
  "set": ".values() is a URL, which would arrive empty",
  "field": ".url is a URL, which would arrive empty",
  "private": "it is a Counter, whose private fields would not arrive",
  "map of its own": "it is a Map whose property extra would not arrive",
  "buffer of its own": "it is an ArrayBuffer whose property extra would not arrive",
  "array of its own": "it is a Table whose property rows would not arrive",
};

/** Values that hold errors, and the form in which they must arrive. */
const ERRORS = {
  "settled": "[{status:rejected,reason:Error/QuotaError(no more|E_QUOTA|" +
    "RangeError/RangeError(inner|undefined|undefined|undefined)|undefined)}," +
    "{status:rejected,reason:AggregateError/AggregateError(All promises were rejected|undefined|" +
    "undefined|[TypeError/TypeError(a|undefined|undefined|undefined)])},{status:fulfilled,value:1}]",
  "set": "Set(Error/QuotaError(no more|E_QUOTA|" +
    "RangeError/RangeError(inner|undefined|undefined|undefined)|undefined))",
  "dom": "{deep:[DOMException/AbortError(stop|20|undefined|undefined)]}",
  "proto": "{__proto__:{polluted:true},list:[1]}",
};

export const VALUES: readonly Guarantee[] = [
  {
    name: "what arrives of an item or a result is the same whatever shares its chunk",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1 });
      const fates: Readonly<Record<string, string>> = {
        proxy: "CloneError",
        arguments: "CloneError",
        getter: "[object Object]",
      };
      for (const beside of ["a word", "error", "function"]) {
        for (const [kind, fate] of Object.entries(fates)) {
          const kinds = [beside, kind, beside];
          for (
            const results of [
              executor.mapSettled(faultTask("giveOdd"), kinds, { chunk: 3 }),
              executor.mapSettled(taskNamed("echo"), kinds.map(giveOdd), { chunk: 3 }),
            ]
          ) {
            const { 1: of } = await results.toArray();
            const came = of!.status === "fulfilled"
              ? String(of!.value)
              : (of!.reason as Error).name;
            assertEquals(came, fate, `${kind} beside ${beside}`);
          }
        }
      }
    },
  },
  {
    name: "an array of a class of its own arrives with its numbers, an item or a result",
    async check({ open }) {
      await using executor = open({ lanes: 1 });
      const kinds = ["whole", "part"] as const;
      for (const chunk of [1, 2]) {
        for (
          const results of [
            executor.map(faultTask("giveMatrix"), kinds, { chunk }),
            executor.map(taskNamed("echo"), kinds.map(giveMatrix), { chunk }),
          ]
        ) {
          const came = await results.toArray() as Float64Array[];
          assertEquals(came.map((numbers) => [...numbers]), [[7, 7, 7, 7, 7, 7], [7, 7]]);
        }
      }
    },
  },
  {
    name: "methods that a package gives to all objects don't keep values from travelling",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1 });
      const values = [{ a: { b: 1 } }, [{ c: 2 }], new Map([["k", { d: 3 }]])];
      const results = await executor.map(faultTask("giveAllAMethod"), values).toArray();
      assertEquals(results, values);
    },
  },
  {
    name: "an item that would arrive emptied is refused and its place named, at any depth",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const places = Object.keys(UNSENDABLE);
      const items = ["before", ...places.map(giveUnsendable), "after"];
      for (const chunk of ["auto", 1, 20] as const) {
        const outcomes = await executor.mapSettled(taskNamed("echo"), items, { chunk }).toArray();
        const fates = outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended);
        assertEquals(fates, ["before", ...places.map(() => "failed"), "after"]);
        for (const [at, place] of places.entries()) {
          const { reason, attempts, lane } = outcomes[at + 1] as {
            reason: Error;
            attempts: number;
            lane: number;
          };
          assertEquals(reason.name, "CloneError");
          assertStringIncludes(reason.message, `item ${at + 1} `);
          assertStringIncludes(reason.message, UNSENDABLE[place]!);
          // The task never started.
          assertEquals([attempts, lane], [0, -1]);
        }
      }
    },
  },
  {
    name: "a result that would arrive emptied is refused and its place named, at any depth",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const places = Object.keys(UNSENDABLE);
      for (const chunk of [1, 20] as const) {
        const outcomes = await executor.mapSettled(
          faultTask("giveUnsendable"),
          ["before", ...places, "after"],
          { chunk },
        ).toArray();
        const fates = outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended);
        assertEquals(fates, ["before", ...places.map(() => "failed"), "after"]);
        for (const [at, place] of places.entries()) {
          const { reason } = outcomes[at + 1] as { reason: Error };
          assertEquals(reason.name, "CloneError");
          assertStringIncludes(reason.message, `the result of item ${at + 1} `);
          assertStringIncludes(reason.message, UNSENDABLE[place]!);
        }
      }
    },
  },
  {
    name: "values nested too deep are refused, and no other call, item or lane is lost",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const nestings: Readonly<Record<string, (inner: unknown) => unknown>> = {
        array: (inner) => [inner],
        object: (inner) => ({ inner }),
        map: (inner) => new Map([["inner", inner]]),
        error: (inner) => Object.assign(new Error("outer"), { inner: [inner] }),
      };
      for (const [kind, nest] of Object.entries(nestings)) {
        const deep = (depth: number) => {
          let value: unknown = kind;
          for (let at = 0; at < depth; at++) value = nest(value);
          return value;
        };
        const arrives = kind === "error" ? 40 : 900;
        const fates: string[] = [];
        for (const depth of [arrives, 1500, 3000, 20_000]) {
          const call = executor.run(taskNamed("echo"), deep(depth));
          fates.push(await call.then(() => "arrived", (error) => error.name));
        }
        const items = ["before", deep(1500), deep(20_000), "after"];
        const outcomes = await executor.mapSettled(taskNamed("echo"), items).toArray();
        fates.push(...outcomes.map((o) => o.status === "fulfilled" ? "arrived" : o.ended));
        // An error that is too deep arrives with parts as text.
        const wanted = kind === "error"
          ? Array(8).fill("arrived")
          : ["arrived", ...Array(3).fill("CloneError"), "arrived", "failed", "failed", "arrived"];
        assertEquals(fates, wanted, kind);
      }
      for (const depth of [900, 1500, 3000, 20_000]) {
        const result = executor.run(faultTask("giveDeep"), depth);
        const fate = await result.then(() => "arrived", (error) => error.name);
        assertEquals(fate, depth === 900 ? "arrived" : "CloneError");
      }
    },
  },
  {
    name: "errors inside results keep class, name, code, cause and errors, as thrown ones do",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const { describe } = await import("./fault_tasks.ts");
      const places = Object.keys(ERRORS) as (keyof typeof ERRORS)[];
      for (const chunk of [1, 4] as const) {
        const values = await executor.map(faultTask("giveErrors"), places, { chunk }).toArray();
        assertEquals(values.map(describe), places.map((place) => ERRORS[place]));
      }
    },
  },
  {
    name: "errors inside items keep class, name, code, cause and errors, too",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      for (const place of Object.keys(ERRORS) as (keyof typeof ERRORS)[]) {
        const [seen] = await executor.map(faultTask("describe"), [await giveErrors(place)])
          .toArray();
        assertEquals(seen, ERRORS[place]);
      }
    },
  },
  {
    name: "a Map's keys, rings and what is met twice survive beside errors",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const [ring, map] = await executor.map(faultTask("giveErrors"), ["ring", "map"])
        .toArray() as [Record<string, unknown>, Map<unknown, unknown>];
      assert(ring.self === ring && ring.error === ring.again);
      assertInstanceOf(ring.error, Error);
      const [[, held], [key, two]] = [...map] as [[string, { error: Error }], [Error, number]];
      assert(held.error === key && key.name === "QuotaError");
      assertEquals(two, 2);
    },
  },
  {
    name: "a view takes nothing along of the buffer that it looks at, an item or a result",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const large = new Uint8Array(1 << 22);
      const views = [
        large.subarray(8, 12),
        { deep: [new Float64Array(large.buffer, 16, 2)] },
        new Map([["k", new DataView(large.buffer, 3, 5)]]),
      ];
      assertEquals(await executor.map(faultTask("describe"), views).toArray(), [
        "Uint8Array(4)",
        "{deep:[Float64Array(16)]}",
        "Map([k,DataView(5)])",
      ]);
      const given = await executor.map(faultTask("giveView"), [1, 2, 3]).toArray();
      assertEquals(given.map(({ buffer, length }) => [buffer.byteLength, length]), [
        [4, 4],
        [4, 4],
        [4, 4],
      ]);
    },
  },
  {
    name: "parts of an error that can't be sent arrive as text, and the rest unchanged",
    async check({ open, model }) {
      await using executor = open();
      const [given, thrown] = await executor.mapSettled(faultTask("giveRichError"), [
        "give",
        "throw",
      ]).toArray();
      assert(given?.status === "fulfilled" && thrown?.status === "rejected");
      for (const error of [given.value, thrown.reason] as Error[]) {
        const { cause, issues, response } = error as Error & {
          issues: unknown;
          response: unknown;
        };
        assertEquals([error.message, issues], ["rich", [{ path: ["a", 1] }]]);
        if (!isRemote(model) || !isFixed(model)) continue;
        assertEquals(cause, { status: 500, url: "http://host/", list: [1, "[object Response]"] });
        assertInstanceOf(response, Response);
      }
    },
  },
  {
    name: "however many errors a value holds, and however long their chains, causes are kept",
    async check({ open }) {
      await using executor = open();
      const [many, chain] = await executor.map(faultTask("giveManyErrors"), ["many", "chain"])
        .toArray() as [Error[], Error];
      assertEquals(many.filter(({ cause }) => !(cause instanceof Error)).length, 0);
      let length = 0;
      for (let at: unknown = chain; at instanceof Error; at = at.cause) length++;
      assertEquals(length, 20);
    },
  },
  {
    name: "a task may use the same buffer for each result: what arrives is what it returned",
    notFor: {
      "event loop": "results are handed out as they are",
      auto: "results are handed out as they are",
    },
    async check({ open }) {
      await using executor = open();
      for (const kind of ["array", "buffer", "view"] as const) {
        for (const chunk of ["auto", 50] as const) {
          const items = numbers(100).map((n) => ({ kind, n }));
          const given = await executor.map(faultTask("sameBuffer"), items, { chunk }).toArray();
          assertEquals(
            given.map((value) =>
              new Uint8Array(value instanceof ArrayBuffer ? value : value.buffer)[0]
            ),
            numbers(100),
          );
        }
      }
    },
  },
  {
    name: "shared memory stays shared, or is refused where it can't be: never copied in silence",
    async check({ open, model }) {
      await using executor = open();
      const memory = new SharedArrayBuffer(8);
      const items = [memory, { view: new Int32Array(memory) }];
      const outcomes = await executor.mapSettled(faultTask("addOne"), items).toArray();
      if (hasOwnProcess(model)) {
        for (const outcome of outcomes) {
          assert(outcome.status === "rejected");
          assertStringIncludes(
            String(outcome.reason),
            "shared memory, which only threads can share",
          );
        }
        return;
      }
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" && o.value),
        ["SharedArrayBuffer", "SharedArrayBuffer"],
      );
      assertEquals(new Int32Array(memory)[0], 2);
    },
  },
];
