import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  faultTask,
  type Guarantee,
  numbers,
  SENT_ONLY,
  taskNamed,
  taskOf,
  THREADS_ONLY,
} from "./guarantee.ts";

async function thrown(
  executor: ReturnType<Parameters<Guarantee["check"]>[0]["open"]>,
  kind: string,
): Promise<unknown> {
  const [outcome] = await executor.mapSettled(taskNamed("throwKind"), [kind]).toArray();
  assert(outcome!.status === "rejected" && outcome!.ended === "failed");
  return outcome!.reason;
}

export const ERRORS: readonly Guarantee[] = [
  {
    name: "an error keeps its name, message, stack, code, cause and own properties",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const error = await thrown(executor, "custom") as Error & { code: string; left: bigint };
      assert(error instanceof Error);
      assertEquals([error.name, error.message, error.code, error.left], [
        "QuotaError",
        "no more",
        "E_QUOTA",
        3n,
      ]);
      assertMatch(error.stack ?? "", /tasks\.ts/);
      assert(error.cause instanceof TypeError);
      assertEquals([error.cause.message, error.cause.cause], ["inner", "the wind"]);
    },
  },
  {
    name: "an error of another realm, as of node:vm, is told as any other",
    async check({ open }) {
      await using executor = open();
      const task = taskOf(`
        import { runInNewContext } from "node:vm";
        export default (how) => {
          const error = runInNewContext("Object.assign(new RangeError('far'), { code: 7 })");
          if (how === "throw") throw error;
          return { error };
        };`);
      const [thrown, given] = await executor.mapSettled(task, ["throw", "give"]).toArray();
      assert(thrown?.status === "rejected" && given?.status === "fulfilled");
      for (const told of [thrown.reason, (given.value as { error: unknown }).error]) {
        const { name, message, code } = told as Error & { code: unknown };
        assertEquals([name, message, code], ["RangeError", "far", 7]);
      }
    },
  },
  {
    name: "a Response that is thrown, and one in an error, tell status, headers and address",
    async check({ open }) {
      await using executor = open();
      const told = await executor.mapSettled(faultTask("throwAnswer"), ["alone", "cause", "error"])
        .toArray();
      const answers = told.map((outcome) => {
        assert(outcome.status === "rejected" && outcome.ended === "failed");
        return outcome.reason;
      });
      const { cause } = answers[1] as Error;
      const { response, headers } = answers[2] as Error & { response: unknown; headers: unknown };
      for (const answer of [answers[0], cause, response]) {
        assertInstanceOf(answer, Response);
        assertEquals([answer.status, answer.headers.get("x-left")], [429, "0"]);
      }
      assertInstanceOf(headers, Headers);
      assertEquals(headers.get("retry-after"), "7");
    },
  },
  {
    name: "an AggregateError keeps its errors",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const error = await thrown(executor, "aggregate");
      assert(error instanceof AggregateError);
      assertEquals(error.message, "several");
      assert(error.errors[0] instanceof RangeError);
      assertEquals(error.errors.slice(1), ["two", undefined]);
    },
  },
  {
    name: "an error with a list of errors is an AggregateError only if it was one",
    async check({ open }) {
      await using executor = open();
      const invalid = await thrown(executor, "invalid");
      assertEquals(Object.getPrototypeOf(invalid), TypeError.prototype);
      assertEquals({ ...invalid as object }, { errors: [{ path: "/a" }] });
      const suppressed = await thrown(executor, "suppressed");
      assertInstanceOf(suppressed, SuppressedError);
      assertInstanceOf(suppressed.error, RangeError);
      assertEquals(suppressed.suppressed, "first");
    },
  },
  {
    name: "what is thrown arrives even if it is no error: undefined, null, words, objects",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      assertEquals(await thrown(executor, "undefined"), undefined);
      assertEquals(await thrown(executor, "null"), null);
      assertEquals(await thrown(executor, "string"), "a word");
      assertEquals(await thrown(executor, "object"), { status: 404 });
      await thrown(executor, "function");
      let caught: unknown = "nothing";
      try {
        await executor.map(taskNamed("throwKind"), ["undefined"]).toArray();
      } catch (error) {
        caught = error;
      }
      assertEquals(caught, undefined);
    },
  },
  {
    name: "an item that can't be sent fails, names the key, and leaves its neighbours unharmed",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const bad: [unknown, string][] = [
        [{ page: { render() {} } }, ".page.render is a function"],
        [[1, Symbol("mark")], "[1] is a symbol"],
        [Promise.resolve(1), "Promise"],
        [new Response("x"), "Response"],
        [new Headers(), "Headers"],
        [{ head: new Headers() }, ".head is a Headers"],
      ];
      for (const [value, says] of bad) {
        for (const chunk of [1, 5, "auto"] as const) {
          const items = [0, 1, "two", value, 4, { five: 5 }, value];
          const outcomes = await executor.mapSettled(taskNamed("echo"), items, {
            chunk,
            retries: 2,
          }).toArray();
          for (const [at, outcome] of outcomes.entries()) {
            if (items[at] !== value) {
              assert(outcome.status === "fulfilled");
              assertEquals(outcome.value, items[at]);
              continue;
            }
            assert(outcome.status === "rejected" && outcome.ended === "failed");
            const { name, message } = outcome.reason as Error;
            assertEquals(name, "CloneError");
            assertStringIncludes(message, `item ${at} `);
            assertStringIncludes(message, says);
          }
        }
      }
    },
  },
  {
    name: "a result that can't be sent fails, names the key, and leaves its neighbours unharmed",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const says: Record<string, string> = {
        function: ".page.render is a function",
        symbol: "[1] is a symbol",
        response: "Response",
        headers: ".head is a Headers",
      };
      for (const [kind, wanted] of Object.entries(says)) {
        for (const chunk of [1, 4] as const) {
          const items = ["a", kind, "b", "c"];
          const outcomes = await executor.mapSettled(taskNamed("give"), items, { chunk }).toArray();
          assertEquals(
            outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
            ["a", "failed", "b", "c"],
            `of a ${kind}`,
          );
          const { name, message } = (outcomes[1] as { reason: Error }).reason;
          assertEquals(name, "CloneError");
          assertStringIncludes(message, "result of item 1 of tasks.ts#give to");
          assertStringIncludes(message, wanted);
        }
      }
    },
  },
  {
    name: "cyclic values, maps, dates and bigints travel both ways",
    async check({ open }) {
      await using executor = open();
      const ring: { self?: unknown } = {};
      ring.self = ring;
      const items = [ring, new Map([[1, new Set([2n])]]), new Date(5), /x/g, -0, NaN, [undefined]];
      const back = await executor.map(taskNamed("echo"), items).toArray();
      const again = back[0] as typeof ring;
      assert(again.self === again);
      assertEquals(back.slice(1), items.slice(1));
      assert(Object.is(back[4], -0));
      const [made] = await executor.map(taskNamed("give"), ["cyclic"]).toArray() as typeof ring[];
      assert(made!.self === made);
    },
  },
  {
    name: "64 MiB go in and come out",
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const length = 64 << 20;
      const data = new Uint8Array(length);
      data[0] = 3;
      data[length - 1] = 9;
      assertEquals(await executor.map(taskNamed("edges"), [data]).toArray(), [[3, 9, length]]);
      const [made] = await executor.map(taskNamed("bytes"), [{ length }]).toArray();
      assertEquals([made!.length, made!.at(-1)], [length, 7]);
    },
  },
  {
    name: "with transfer: true buffers move: the caller's is empty, and results arrive",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open();
      const items = numbers(4).map((n) => new Uint8Array(1000).fill(n));
      const copied = await executor.map(taskNamed("edges"), items).toArray();
      assertEquals(items.map(({ length }) => length), [1000, 1000, 1000, 1000]);
      const moved = await executor.map(taskNamed("edges"), items, { transfer: true }).toArray();
      assertEquals(moved, copied);
      assertEquals(items.map(({ length }) => length), [0, 0, 0, 0]);
      const [back] = await executor.map(taskNamed("bytes"), [{ length: 8 }], { transfer: true })
        .toArray();
      assertEquals([...back!], [0, 0, 0, 0, 0, 0, 0, 7]);
    },
  },
];
