import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { openEnvelope, sealEnvelope } from "../../lib/lanes/envelope.ts";

function across(thrown: unknown): unknown {
  return openEnvelope(structuredClone(sealEnvelope(thrown)));
}

Deno.test("structured cloning alone loses a custom name, code, and an AggregateError's errors", () => {
  const error = Object.assign(new AggregateError([1], "several"), { code: "E" });
  error.name = "Custom";
  const clone = structuredClone(error) as typeof error;
  assertEquals([clone.name === "Custom", clone.code, clone.errors], [false, undefined, undefined]);
  const back = across(error) as typeof error;
  assertEquals([back.name, back.code, back.errors], ["Custom", "E", [1]]);
});

Deno.test("every value that can be cloned arrives as it was thrown", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
      let wanted: unknown;
      try {
        wanted = structuredClone(value);
      } catch {
        return;
      }
      assertEquals(across(value), wanted);
    }),
  );
});

Deno.test("what can't be cloned arrives as text", () => {
  assertEquals(across(Symbol("s")), "Symbol(s)");
  assert(String(across(() => 1)).includes("=>"));
});

Deno.test("an error whose getters throw still arrives", () => {
  const hostile = new Error("kept");
  for (const key of ["name", "stack", "code"]) {
    Object.defineProperty(hostile, key, {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
  }
  const back = across(hostile) as Error;
  assertEquals([back.name, back.message], ["Error", "kept"]);
});

Deno.test("causes that go in a circle end", () => {
  const a = new Error("a");
  a.cause = new Error("b", { cause: a });
  let depth = 0;
  for (let at = across(a) as Error | undefined; at; at = at.cause as Error | undefined) depth++;
  assert(depth > 2 && depth < 20);
});

Deno.test("a DOMException keeps its name and code", () => {
  const back = across(new DOMException("stop", "AbortError")) as DOMException;
  assertEquals([back.name, back.message, back.code], ["AbortError", "stop", 20]);
  assert(back instanceof Error);
});

Deno.test("an error without a cause gets none", () => {
  assert(!("cause" in (across(new Error("x")) as Error)));
});
