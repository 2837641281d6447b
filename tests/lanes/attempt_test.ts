import { assertEquals } from "@std/assert";
import { attempt, isPromise, wordsOf } from "../../lib/lanes/attempt.ts";

function fails(): number {
  throw new Error("no");
}

Deno.test("attempt() gives what there is, or else something else", () => {
  assertEquals([attempt(() => 1), attempt(() => 0, 2)], [1, 0]);
  assertEquals([attempt(fails), attempt(fails, 2)], [undefined, 2]);
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
