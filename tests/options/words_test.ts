import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { httpUrl, listOf, oneOf, UsageError } from "../../lib/options.ts";

const MODELS = ["sequential", "concurrent", "limited", "workers", "processes"] as const;

function refused(read: () => unknown): UsageError {
  const error = assertThrows(read, UsageError) as UsageError;
  assertEquals(/[\n\r\u2028]/.test(error.message), false, "more than one line");
  return error;
}

Deno.test("oneOf() takes each choice as it is written", () => {
  for (const model of MODELS) assertEquals(oneOf("--model", model, MODELS), model);
});

Deno.test("oneOf() guesses what was meant, and lists the choices", () => {
  for (
    const [slip, meant] of [["worker", "workers"], ["Limited", "limited"], [
      "seqential",
      "sequential",
    ]]
  ) {
    assertMatch(
      refused(() => oneOf("--model", slip!, MODELS)).remedy,
      new RegExp(`mean ${meant}\\?`),
    );
  }
  assertMatch(refused(() => oneOf("--model", "x", MODELS)).remedy, /sequential, concurrent/);
});

Deno.test("oneOf() doesn't guess at words that are nothing like a choice", () => {
  for (const text of ["banana", "", "q", "x".repeat(500)]) {
    assertEquals(
      refused(() => oneOf("--model", text, MODELS)).remedy.includes("mean"),
      false,
      text,
    );
  }
});

Deno.test("oneOf() takes nothing but the choices", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    if (!(MODELS as readonly string[]).includes(text)) {
      refused(() => oneOf("--model", text, MODELS));
    }
  }));
});

Deno.test("oneOf() is not led astray by names that every object has", () => {
  for (const text of ["constructor", "__proto__", "toString"]) {
    refused(() => oneOf("--x", text, MODELS));
  }
});

Deno.test("listOf() keeps the order, and lets blanks stand around commas", () => {
  assertEquals(listOf("--models", "workers, limited", MODELS), ["workers", "limited"]);
  assertEquals(listOf("--models", "limited", MODELS), ["limited"]);
});

Deno.test("listOf() reads back every list of choices written out", () => {
  fc.assert(fc.property(fc.shuffledSubarray([...MODELS], { minLength: 1 }), (models) => {
    assertEquals(listOf("--models", models.join(","), MODELS), models);
  }));
});

Deno.test("listOf() refuses empty words, unknown ones and repetitions", () => {
  for (const text of ["", ",", "workers,", ",workers", "workers,,limited"]) {
    assertMatch(refused(() => listOf("--models", text, MODELS)).message, /missing/);
  }
  assertEquals(refused(() => listOf("--models", "workers,nope", MODELS)).value, "nope");
  assertMatch(refused(() => listOf("--models", "workers,workers", MODELS)).message, /twice/);
});

Deno.test("httpUrl() takes addresses of the web", () => {
  for (
    const text of [
      "http://127.0.0.1:1/",
      "https://example.com/a?b=c#d",
      "HTTP://X",
      "http://[::1]/",
    ]
  ) {
    assertMatch(httpUrl("--url", text).protocol, /^https?:$/);
  }
});

Deno.test("httpUrl() says how to write an address whose scheme is missing", () => {
  assertMatch(refused(() => httpUrl("--url", "example.com")).remedy, /https:\/\/example\.com/);
  assertMatch(refused(() => httpUrl("--url", "localhost:8000/a")).remedy, /https:\/\/localhost/);
});

Deno.test("httpUrl() refuses other schemes and what is no address", () => {
  for (
    const text of [
      "",
      "/etc/passwd",
      "file:///etc/passwd",
      "ftp://a/",
      "data:,x",
      "javascript:alert(1)",
      "http://",
      "http://a:99999/",
      "http://a b/",
      " http://a/",
      "http://a/\n",
      "http:///?",
      "blob:http://a/",
      "c:\\a",
    ]
  ) refused(() => httpUrl("--url", text));
});

Deno.test("httpUrl() gives an address of the web or refuses, whatever is typed", () => {
  fc.assert(fc.property(fc.oneof(fc.webUrl(), fc.string()), (text) => {
    try {
      assertMatch(httpUrl("--url", text).protocol, /^https?:$/);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }));
});
