import { assertEquals } from "@std/assert";
import { attempt, isPromise, propertyOf, withCauses, wordsOf } from "../../lib/lanes/attempt.ts";

function fails(): number {
  throw new Error("no");
}

Deno.test("attempt() gives what there is, or else something else", () => {
  assertEquals([attempt(() => 1), attempt(() => 0, 2)], [1, 0]);
  assertEquals([attempt(fails), attempt(fails, 2)], [undefined, 2]);
});

Deno.test("whatever was thrown, asking it for a property is safe", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const hostile = new Proxy({}, { get: refuse, has: refuse });
  const getter = Object.defineProperty(new Error("x"), "retryable", { get: refuse });
  for (const reason of [undefined, null, 3, "x", Symbol("s"), {}, hostile, getter]) {
    assertEquals(propertyOf(reason, "retryable"), undefined);
  }
  assertEquals(propertyOf(Object.assign(() => {}, { retryable: false }), "retryable"), false);
});

Deno.test("withCauses() gives what was thrown and what caused it, each once, and comes to an end", () => {
  const cause = new Error("of it", { cause: "text" });
  const error = new Error("it", { cause });
  assertEquals([...withCauses(error)], [error, cause, "text"]);
  Object.assign(cause, { cause: error });
  assertEquals([...withCauses(error)], [error, cause]);
  const endless = () => ({
    get cause() {
      return endless();
    },
  });
  assertEquals([...withCauses(endless())].length, 8);
  assertEquals([undefined, null, 0].map((of) => [...withCauses(of)]), [[], [], [0]]);
});

Deno.test("wordsOf() has words for whatever was thrown", () => {
  assertEquals([wordsOf(new RangeError("far")), wordsOf("text"), wordsOf(undefined)], [
    "far",
    "text",
    "undefined",
  ]);
  const hostile = {
    toString() {
      throw new Error("no");
    },
  };
  assertEquals(wordsOf(hostile), "it threw something that can't be shown");
});

Deno.test("isPromise() knows promises though another class stands in their place", () => {
  const { Promise: own } = globalThis;
  try {
    globalThis.Promise = class<T> extends own<T> {} as PromiseConstructor;
    const [native, other] = [(async () => {})(), Promise.resolve()];
    assertEquals([isPromise(native), isPromise(other), isPromise({ then() {} })], [
      true,
      true,
      false,
    ]);
  } finally {
    globalThis.Promise = own;
  }
});
