import { assertEquals, assertThrows } from "@std/assert";
import * as v8 from "node:v8";
import { emptiedClass, refuseEmptied } from "../../lib/lanes/emptied.ts";
import { cloneThrough, serializerOf } from "../../lib/lanes/v8_clone.ts";

class Private {
  #secret = 1;
  get secret(): number {
    return this.#secret;
  }
}

class Point {
  x = 1;
}

class Registry extends Map {}

const serializer = serializerOf(v8);
const throughPipe = (value: unknown) => cloneThrough(serializer, value);

Deno.test("what keeps all it holds to itself would arrive empty", () => {
  const emptied = {
    Response: new Response(),
    Request: new Request("http://a.b"),
    Headers: new Headers(),
    URL: new URL("http://a.b"),
    URLSearchParams: new URLSearchParams("a=1"),
    FormData: new FormData(),
    AbortSignal: new AbortController().signal,
    Event: new Event("x"),
    WeakMap: new WeakMap(),
    Private: new Private(),
  };
  for (const [name, value] of Object.entries(emptied)) {
    assertEquals([emptiedClass(value), emptiedClass(value, throughPipe)], [name, name]);
  }
});

Deno.test("what arrives as what it is, or with what it shows, does not count as empty", () => {
  const arriving = [
    {},
    [],
    Object.create(null),
    new Map(),
    new Set(),
    new Date(0),
    /x/,
    new ArrayBuffer(0),
    new Uint8Array(0),
    new DataView(new ArrayBuffer(0)),
    new Error(""),
    new RangeError("x"),
    Object(1),
    Object(""),
    new Point(),
    new Registry(),
    new DOMException("x"),
  ];
  for (const value of arriving) {
    assertEquals([emptiedClass(value), emptiedClass(value, throughPipe)], [undefined, undefined]);
  }
});

Deno.test("a blob arrives in a thread, but not through a pipe", () => {
  assertEquals(emptiedClass(new Blob(["x"])), undefined);
  assertEquals(emptiedClass(new Blob(["x"]), throughPipe), "Blob");
});

Deno.test("refuseEmptied() looks at the values, and one level down", () => {
  refuseEmptied([1, "a", null, {}, [], new Map(), { a: 1, b: null }, new Error("x")]);
  assertThrows(() => refuseEmptied([1, new Response()]), TypeError, "Response");
  assertThrows(() => refuseEmptied([{ request: new Request("http://a.b") }]), TypeError, "Request");
});
