import { runInNewContext } from "node:vm";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "../../properties.ts";
import { CloneError, TaskLoadError, TimeoutError } from "../../../lib/lanes/errors.ts";
import { openEnvelope, sealEnvelope } from "../../../lib/lanes/remote/envelope.ts";
import { bothWays, throughPipe, toThread } from "./ways.ts";

/** A thrown value as it arrives. */
function across(thrown: unknown, cloning = toThread()): unknown {
  return openEnvelope(
    cloning.clone(sealEnvelope(thrown, cloning)) as ReturnType<typeof sealEnvelope>,
  );
}

Deno.test("structured cloning alone loses a custom name, code, and an AggregateError's errors", () => {
  const error = Object.assign(new AggregateError([1], "several"), { code: "E" });
  error.name = "Custom";
  const clone = structuredClone(error) as typeof error;
  assertEquals([clone.name === "Custom", clone.code, clone.errors], [false, undefined, undefined]);
  const back = across(error) as typeof error;
  assertEquals([back.name, back.code, back.errors], ["Custom", "E", [1]]);
});

Deno.test("an error that WebAssembly throws arrives as one of its class", () => {
  for (const Class of [WebAssembly.RuntimeError, WebAssembly.CompileError, WebAssembly.LinkError]) {
    assertInstanceOf(across(new Class("x")), Class);
  }
});

Deno.test("errors arrive though a program has given all objects properties that describe others", () => {
  const error = Object.assign(new RangeError("x"), { code: "E", list: [1] });
  const all = Object.prototype as { get?: unknown };
  let back: typeof error;
  try {
    all.get = undefined;
    back = across(error) as typeof error;
  } finally {
    delete all.get;
  }
  assertEquals([back.name, back.message, back.code, back.list], ["RangeError", "x", "E", [1]]);
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`every value that can be cloned arrives ${name} as it was thrown (seed 1)`, () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
        let wanted: unknown;
        try {
          wanted = structuredClone(value);
        } catch {
          return;
        }
        assertEquals(across(value, cloning), wanted);
      }),
      { seed: 1 },
    );
  });

  Deno.test(`whatever an error is like, it arrives ${name} as it was thrown (seed 1)`, () => {
    const plain = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.bigInt());
    const { error } = fc.letrec<{ error: unknown }>((tie) => ({
      error: fc.record({
        Class: fc.constantFrom(Error, RangeError, TypeError, TimeoutError, Deno.errors.NotFound),
        name: fc.option(fc.string(), { nil: undefined }),
        message: fc.string(),
        code: fc.option(plain, { nil: undefined }),
        status: fc.option(plain, { nil: undefined }),
        cause: fc.option(fc.oneof({ maxDepth: 3 }, plain, tie("error")), { nil: undefined }),
      }).map(({ Class, name, message, cause, ...own }) => {
        const error = new Class(message, cause === undefined ? undefined : { cause });
        if (name !== undefined) error.name = name;
        for (const [key, value] of Object.entries(own)) {
          if (value !== undefined) Object.assign(error, { [key]: value });
        }
        return error;
      }),
    }));
    const shown = (thrown: unknown): unknown => {
      if (!(thrown instanceof Error)) return thrown;
      const { name, message, stack, constructor, cause } = thrown;
      const { code, status } = thrown as { code?: unknown; status?: unknown };
      return [constructor, name, message, stack, code, status, shown(cause)];
    };
    fc.assert(
      fc.property(error, (error) => {
        assertEquals(shown(across(error, cloning)), shown(error));
      }),
      { seed: 1 },
    );
  });
}

Deno.test("an error arrives as the nearest of its classes that both sides know, and as no other", () => {
  class InvalidError extends TypeError {
    override name = "InvalidError";
    errors = [{ path: "/a" }];
  }
  const invalid = across(new InvalidError("two faults")) as InvalidError;
  assertEquals([Object.getPrototypeOf(invalid), invalid.name], [
    TypeError.prototype,
    "InvalidError",
  ]);
  assertEquals({ ...invalid }, { errors: [{ path: "/a" }] });
  const several = Object.assign(new AggregateError([new RangeError("one")]), { name: "Several" });
  const back = across(several) as AggregateError;
  assertInstanceOf(back, AggregateError);
  assertInstanceOf(back.errors[0], RangeError);
  const suppressed = across(new SuppressedError(new RangeError("late"), "first", "both"));
  assertInstanceOf(suppressed, SuppressedError);
  assertInstanceOf(suppressed.error, RangeError);
  assertEquals([suppressed.suppressed, suppressed.message], ["first", "both"]);
  assertEquals(Object.keys(suppressed), []);
});

Deno.test("what can't be cloned arrives as text", () => {
  assertEquals(across(Symbol("s")), "Symbol(s)");
  assert(String(across(() => 1)).includes("=>"));
  assertEquals(across(new SharedArrayBuffer(1), throughPipe()), "[object SharedArrayBuffer]");
});

Deno.test("what would arrive empty is told in words", () => {
  assertEquals(across(new FormData()), "[object FormData]");
  assertEquals(across(new URL("http://a.b/c")), "http://a.b/c");
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`an error of another realm arrives ${name} as one of this, with all that it holds`, () => {
    const far = runInNewContext(
      `Object.assign(new RangeError("far", { cause: new TypeError("why") }), { code: 1, list: [2] })`,
    );
    const [, inside] = across([0, { far }], cloning) as [number, { far: unknown }];
    for (const came of [across(far, cloning), inside.far] as (Error & Record<string, unknown>)[]) {
      assertInstanceOf(came, RangeError);
      assertEquals([came.message, came.code, came.list], ["far", 1, [2]]);
      assertInstanceOf(came.cause, TypeError);
    }
    const several = across(runInNewContext("new AggregateError([1], 'several')"), cloning);
    assertInstanceOf(several, AggregateError);
    assertEquals(several.errors, [1]);
  });
}

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

Deno.test("a chain of causes arrives up to a hundred below the first, however long it is", () => {
  let error = new Error("the first cause");
  for (let depth = 0; depth < 300; depth++) error = new Error(`error ${depth}`, { cause: error });
  let depth = 0;
  for (let at = across(error) as Error; at.cause !== undefined; at = at.cause as Error) depth++;
  assertEquals(depth, 100);
});

Deno.test("a large value that can be sent arrives whole, though it was thrown", () => {
  const value = Array.from({ length: 3000 }, (_, at) => ({ at }));
  assertEquals(across(value), value);
});

Deno.test("what is empty arrives so, beside what can only arrive as text", () => {
  const thrown = { sign: Symbol("s"), object: {}, list: [], map: new Map() };
  assertEquals(across(thrown), { ...thrown, sign: "Symbol(s)" });
});

Deno.test("causes that go in a circle end", () => {
  const a = new Error("a");
  a.cause = new Error("b", { cause: a });
  let depth = 0;
  for (let at = across(a) as Error | undefined; at; at = at.cause as Error | undefined) depth++;
  assert(depth > 2 && depth < 20);
});

Deno.test("causes that go in a circle through what isn't an error end", () => {
  const inObject = new Error("in an object");
  inObject.cause = { request: { failedWith: inObject } };
  assertEquals((across(inObject) as Error).message, "in an object");
  const inList = Object.assign(new Error("in a list"), { errors: [] as unknown[] });
  inList.errors.push([inList]);
  assertEquals((across(inList) as Error).message, "in a list");
});

Deno.test("an AggregateError that holds itself many times over ends", () => {
  const all = new AggregateError([], "all");
  for (let at = 0; at < 30; at++) all.errors.push(all);
  const back = across(all) as AggregateError;
  assertEquals([back.errors.length, back.errors[29].message], [30, "all"]);
  assertEquals(back.errors[0].errors, undefined);
});

Deno.test("AggregateErrors that hold the same ones at every depth end", () => {
  let all = new AggregateError([], "leaf");
  for (let depth = 0; depth < 8; depth++) {
    all = new AggregateError(new Array(10).fill(all), "inner");
  }
  let count = 0;
  const visit = (error: AggregateError): void => {
    count++;
    error.errors?.forEach(visit);
  };
  visit(across(all) as AggregateError);
  assert(count > 100 && count < 20_000);
});

Deno.test("a code that a class computes arrives as a property", () => {
  class Coded extends Error {
    get code(): string {
      return `E_${this.message}`;
    }
  }
  assertEquals((across(new Coded("BUSY")) as Coded).code, "E_BUSY");
});

Deno.test("proxies that refuse every question arrive as text", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const traps = { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse };
  for (const target of [new Error("x"), {}]) {
    assertEquals(across(new Proxy(target, traps)), "a value that can't be sent");
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

Deno.test("a DOMException with a code of its own arrives too", () => {
  const thrown = new DOMException("stop", "AbortError");
  Object.defineProperty(thrown, "code", { value: "E_STOP", enumerable: true });
  assertEquals((across(thrown) as DOMException).message, "stop");
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

Deno.test("a name that every object has something under is a name like any other", () => {
  for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__"]) {
    const thrown = new Error("odd");
    thrown.name = name;
    const back = across(thrown);
    assertInstanceOf(back, Error);
    assertEquals([back.name, back.message], [name, "odd"]);
  }
});

Deno.test("an error without a cause gets none, and one whose cause is undefined keeps it", () => {
  assert(!("cause" in (across(new Error("x")) as Error)));
  assert("cause" in (across(new Error("x", { cause: undefined })) as Error));
});

Deno.test("errors in what was thrown, or in a cause that isn't an error, keep what is theirs", () => {
  const inner = Object.assign(new RangeError("inner"), { code: "E" });
  const thrown = across({ answer: [inner] }) as { answer: (typeof inner)[] };
  assertInstanceOf(thrown.answer[0], RangeError);
  assertEquals([thrown.answer[0].message, thrown.answer[0].code], ["inner", "E"]);
  const { cause } = across(new Error("outer", { cause: new Map([["at", inner]]) })) as Error;
  assertEquals((cause as Map<string, typeof inner>).get("at")?.code, "E");
});

Deno.test("a name, and what shows no more than it, stay hidden; own properties stay seen", () => {
  const thrown = Object.assign(new Error("x"), { code: "E", status: 4, helper: () => 1 });
  thrown.name = "Custom";
  const back = across(thrown) as Error;
  assertEquals(Object.keys(back).sort(), ["code", "status"]);
  assertEquals(String(back), "Custom: x");
});

Deno.test("an error without a stack gets its name and message in place of one", () => {
  const thrown = new TypeError("bare");
  Object.defineProperty(thrown, "stack", { value: undefined });
  assertEquals((across(thrown) as Error).stack, "TypeError: bare");
});

Deno.test("a thrown object is not taken for an envelope, whatever its keys are", () => {
  for (
    const thrown of [
      { "~errors": "x", values: [7], envelopes: [] },
      { "~errors": 1 },
      { kind: "error", name: "x", message: "y" },
    ]
  ) assertEquals(across(thrown), thrown);
});

Deno.test("a thrown answer arrives with all but its body; one that stands for an error as such a one", () => {
  const answer = new Response("text", { status: 503, statusText: "Busy", headers: { a: "b" } });
  Object.defineProperty(answer, "url", { value: "http://host/" });
  const back = across(answer) as Response;
  assertInstanceOf(back, Response);
  assertEquals(
    [back.status, back.statusText, back.url, back.body, back.headers.get("a")],
    [503, "Busy", "http://host/", null, "b"],
  );
  assertEquals((across(Response.error()) as Response).type, "error");
  assertEquals((across(new Headers({ a: "b" })) as Headers).get("a"), "b");
});
