import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { openEnvelope, sealEnvelope } from "../../lib/lanes/envelope.ts";
import { CloneError, TaskLoadError, TimeoutError } from "../../lib/lanes/errors.ts";

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
  for (const key of ["name", "stack", "code", "cause", "errors"]) {
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

Deno.test("an AggregateError that holds itself many times over ends", () => {
  const all = new AggregateError([], "all");
  for (let at = 0; at < 30; at++) all.errors.push(all);
  const back = across(all) as AggregateError;
  assertEquals([back.errors.length, back.errors[29].message], [30, "all"]);
  assertEquals(back.errors[0].errors, undefined);
});

Deno.test("proxies that refuse every question arrive as text", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const traps = { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse };
  for (const target of [new Error("x"), {}]) {
    assertEquals(across(new Proxy(target, traps)), "a value that can't be cloned");
  }
});

Deno.test("a DOMException keeps its class, name, code and cause", () => {
  const thrown = new DOMException("stop", "AbortError");
  Object.defineProperty(thrown, "cause", { value: "the wind", enumerable: false });
  const back = across(thrown) as DOMException & { cause: unknown };
  assertInstanceOf(back, DOMException);
  assertEquals([back.name, back.message, back.code], ["AbortError", "stop", 20]);
  assertEquals([back.stack, back.cause], [thrown.stack, "the wind"]);
});

Deno.test("errors of Deno and of this library keep their class", () => {
  for (const Class of [Deno.errors.NotFound, Deno.errors.BadResource]) {
    assertInstanceOf(across(new Class("gone")), Class);
  }
  for (const Class of [TimeoutError, TaskLoadError, CloneError]) {
    const back = across(new Class("late"));
    assertInstanceOf(back, Class);
    assertEquals(back.message, "late");
  }
  assertEquals((across(new TaskLoadError("x")) as TaskLoadError).retryable, false);
});

Deno.test("a class of the caller's own is not taken for another of the same name", () => {
  class NotFound extends Error {
    override name = "NotFound";
  }
  const back = across(new NotFound("mine")) as Error;
  assert(!(back instanceof Deno.errors.NotFound));
  assertEquals([back.name, back.message], ["NotFound", "mine"]);
});

Deno.test("what would arrive empty is told in words", () => {
  assertEquals(across(new Response("x")), "[object Response]");
  assertEquals(across(new URL("http://a.b/c")), "http://a.b/c");
});

Deno.test("an error without a cause gets none", () => {
  assert(!("cause" in (across(new Error("x")) as Error)));
});
