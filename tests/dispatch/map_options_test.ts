import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkOptions, type MapOptions } from "../../lib/dispatch/map_options.ts";
import type { Rejected } from "../../lib/dispatch/output.ts";

Deno.test("every default is filled in", () => {
  const { retries: { retryIf, ...retries }, ...rest } = checkOptions();
  assertEquals(rest, {
    order: "input",
    signal: undefined,
    timeoutMs: Infinity,
    loadTimeoutMs: 30_000,
    rerun: true,
    rate: undefined,
    perKey: undefined,
    chunk: "auto",
    buffer: "auto",
    transfer: false,
    onProgress: undefined,
    onOutcome: undefined,
  });
  assertEquals(retries, { limit: 0, baseMs: 100, maxMs: 30_000, jitter: true });
  assertEquals(typeof retryIf, "function");
});

Deno.test("what is given is kept, and a plain count of retries is their limit", () => {
  const { signal } = new AbortController();
  const [onProgress, onOutcome] = [() => {}, () => {}];
  const retryIf = () => true;
  const retries = { limit: 3, baseMs: 1, maxMs: 2, jitter: false, retryIf };
  const given = {
    order: "completion",
    signal,
    timeoutMs: 5,
    loadTimeoutMs: 6,
    retries,
    rerun: false,
    rate: { limit: 2, perMs: 1.5 },
    perKey: { key: String, slots: 2, rate: { limit: 1, perMs: 3 } },
    chunk: 1,
    buffer: 0,
    transfer: true,
    onProgress,
    onOutcome,
  } as const;
  const checked = checkOptions(given);
  const { key, ...perKey } = checked.perKey!;
  assertEquals({ ...checked, perKey: { ...perKey, key: String } }, given);
  assertEquals(key(7), "7");
  assertEquals(checkOptions({ retries: 4 }).retries.limit, 4);
  assertEquals(checkOptions({ retries: undefined as never }).retries.limit, 0);
});

Deno.test("limits may be objects of classes, and stay what they were", () => {
  class Tariff {
    #limit = 2;
    perMs = 10;
    get limit() {
      return this.#limit;
    }
    raise() {
      this.#limit++;
    }
  }
  class Hosts {
    #prefix = "host ";
    readonly rate = new Tariff();
    key(item: unknown) {
      return this.#prefix + item;
    }
  }
  const [rate, hosts] = [new Tariff(), new Hosts()];
  const { perKey, ...checked } = checkOptions({ rate, perKey: hosts });
  rate.raise();
  hosts.rate.raise();
  assertEquals(
    [checked.rate, perKey!.rate],
    [rate, hosts.rate].map(() => ({ limit: 2, perMs: 10 })),
  );
  assertEquals(perKey!.key(1), "host 1");
});

Deno.test("loading may take ten times as long as a task, but from 2 s to 30 s", () => {
  const given = [1, 500, 50, 1e9, Infinity].map((timeoutMs) => checkOptions({ timeoutMs }));
  assertEquals(given.map(({ loadTimeoutMs }) => loadTimeoutMs), [
    2000,
    5000,
    2000,
    30_000,
    30_000,
  ]);
});

Deno.test("what is out of range is refused, with the option's name and its value", () => {
  const bad: [MapOptions, string][] = [
    [{ timeoutMs: 0 }, "timeoutMs must be a number of milliseconds above 0, but is 0"],
    [{ timeoutMs: NaN }, "timeoutMs must be a number of milliseconds above 0, but is NaN"],
    [{ loadTimeoutMs: 0 }, "loadTimeoutMs must be a number of milliseconds above 0, but is 0"],
    [{ retries: -1 }, "retries must be a whole number from 0, but is -1"],
    [{ retries: 1.5 }, "retries must be a whole number from 0, but is 1.5"],
    [{ retries: {} as never }, "retries.limit must be a whole number from 0, but is undefined"],
    [{ retries: { limit: 1, baseMs: -1 } }, "retries.baseMs must be a number of milliseconds"],
    [{ retries: { limit: 1, maxMs: NaN } }, "retries.maxMs must be a number of milliseconds"],
    [{ chunk: 0 }, 'chunk must be "auto" or a whole number from 1, but is 0'],
    [{ chunk: 1.5 }, 'chunk must be "auto" or a whole number from 1, but is 1.5'],
    [{ rate: { limit: 0, perMs: 1 } }, "rate.limit must be a whole number from 1, but is 0"],
    [{ rate: { limit: Infinity, perMs: 1 } }, "rate.limit must be a whole number from 1"],
    [
      { rate: { limit: 0.1, perMs: 1_000 } },
      "rate.limit must be a whole number from 1, as in { limit: 1, perMs: 10000 }, but is 0.1",
    ],
    [
      { rate: { limit: 1, perMs: 0 } },
      "rate.perMs must be a finite number of milliseconds above 0",
    ],
    [{ rate: { limit: 1, perMs: Infinity } }, "rate.perMs must be a finite number"],
    [{ rate: { limit: 1 } as never }, "rate.perMs must be a finite number of milliseconds above"],
    [{ rate: 5 as never }, "rate must be an object, but is 5"],
    [
      { rate: { limit: 1, per: 1 } as never },
      "there is no option rate.per; there are limit, perMs",
    ],
    [
      { rate: { limit: 1, perMs: 1 }, chunk: 2 },
      'chunk must be left out, or "auto" or 1, with a rate or with perKey, but is 2',
    ],
    [{ perKey: { key: String }, chunk: 2 }, "with a rate or with perKey, but is 2"],
    [{ perKey: String as never }, "perKey must be an object, but is [Function: String]"],
    [{ perKey: {} as never }, "perKey.key must be a function of an item, but is undefined"],
    [{ perKey: { key: String, slots: 0 } }, "perKey.slots must be a whole number from 1, but is 0"],
    [{ perKey: { key: String, rate: { limit: 1, perMs: -1 } } }, "perKey.rate.perMs must be a"],
    [
      { perKey: { key: String, limit: 1 } as never },
      "no option perKey.limit; there are key, slots",
    ],
    [{ buffer: -1 }, 'buffer must be "auto" or a whole number from 0, but is -1'],
    // Values that only JavaScript lets through:
    [{ order: "random" as never }, 'order must be "input" or "completion", but is "random"'],
    [{ rerun: 0 as never }, "rerun must be true or false, but is 0"],
    [{ transfer: "no" as never }, 'transfer must be true or false, but is "no"'],
    [{ retries: { limit: 1, jitter: 1 as never } }, "retries.jitter must be true or false"],
    [{ retries: { limit: 1, retryIf: true as never } }, "retries.retryIf must be a function"],
    [{ retries: "2" as never }, 'retries must be a whole number from 0, but is "2"'],
    [{ signal: new AbortController() as never }, "signal must be an AbortSignal"],
    [{ onProgress: Symbol("p") as never }, "onProgress must be a function, but is Symbol(p)"],
  ];
  for (const [options, says] of bad) assertThrows(() => checkOptions(options), RangeError, says);
});

Deno.test("a value is shown with its type, so that a string isn't taken for a number", () => {
  const wrong: [unknown, string][] = [["5", 'but is "5"'], [5n, "but is 5n"], [
    [5],
    "but is [ 5 ]",
  ]];
  for (const [chunk, says] of wrong) {
    assertThrows(() => checkOptions({ chunk: chunk as never }), RangeError, says);
  }
  const long = Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`property ${n}`, n]));
  const { message } = assertThrows(() => checkOptions({ chunk: long as never }), RangeError);
  assert(message.includes("but is { ") && !message.includes("\n") && message.length < 200);
  const hostile = {
    get [Symbol.for("Deno.customInspect")]() {
      throw new Error("no");
    },
  };
  assertThrows(() => checkOptions({ chunk: hostile as never }), RangeError, "but is object");
});

Deno.test("a deadline that can't be reckoned with is refused by its name", () => {
  for (const timeoutMs of [5n, Symbol("5")]) {
    const refused = () => checkOptions({ timeoutMs: timeoutMs as never });
    assertThrows(refused, RangeError, "timeoutMs must be a number of milliseconds above 0");
  }
});

Deno.test("an option that nobody reads is refused, and those that there are named", () => {
  const slip = { retires: 3 } as MapOptions;
  const { message } = assertThrows(() => checkOptions(slip), RangeError, "no option retires");
  assert(
    message.startsWith("Cannot map: ") && message.endsWith("buffer, onProgress, onOutcome"),
  );
  const deeper = { retries: { limit: 1, base: 3 } } as MapOptions;
  assertThrows(() => checkOptions(deeper), RangeError, "no option retries.base; there are limit, ");
});

Deno.test("what all lanes share is the executor's option, and that is said", () => {
  assertThrows(() => checkOptions({ shared: 1 } as MapOptions), RangeError, "to the executor");
});

Deno.test("options that are no object are refused", () => {
  for (const options of [null, 3, "fast"]) {
    assertThrows(() => checkOptions(options as never), RangeError, "options must be an object");
  }
});

Deno.test("by default failed, timed-out and crashed may be tried again, if they allow it", () => {
  const { retryIf } = checkOptions().retries;
  const ended = (ended: Rejected["ended"], reason: unknown = new Error()) =>
    retryIf({ ended, reason } as Rejected);
  const endings = ["failed", "timed-out", "crashed", "cancelled", "abandoned"] as const;
  assertEquals(endings.map((how) => ended(how)), [true, true, true, false, false]);
  assertEquals(ended("failed", { retryable: false }), false);
  for (const reason of [undefined, null, "x", 3, { retryable: 0 }]) {
    assertEquals(ended("failed", reason), true);
  }
});
