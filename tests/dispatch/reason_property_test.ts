import { assertEquals } from "@std/assert";
import { reasonProperty } from "../../lib/dispatch/reason_property.ts";

Deno.test("whatever was thrown, asking it for a property is safe", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const hostile = new Proxy({}, { get: refuse, has: refuse });
  const getter = Object.defineProperty(new Error("x"), "retryable", { get: refuse });
  for (const reason of [undefined, null, 3, "x", Symbol("s"), {}, hostile, getter]) {
    assertEquals(reasonProperty(reason, "retryable"), undefined);
  }
  assertEquals(reasonProperty(Object.assign(() => {}, { retryable: false }), "retryable"), false);
});
