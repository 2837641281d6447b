import { assertEquals } from "@std/assert";
import { deedOf, nameOf, ownerOf, placeOf } from "../../../lib/advice/profile/places.ts";

const at = (url: string, line = 7) => ({ name: "f", url, line, column: 1 });

const PLACES = [
  ["file:///home/me/job/job.ts", "own", "job.ts:7"],
  ["file:///home/me/job/deep/in%20it/a.ts", "own", "deep/in it/a.ts:7"],
  ["file:///home/me/other/a.ts", "own", "../other/a.ts:7"],
  ["file:///home/me/job/node_modules/@a/b/c.js", "packages", "npm:@a/b/c.js:7"],
  [
    "file:///home/me/job/node_modules/.deno/x@1.2.3/node_modules/x/y.js",
    "packages",
    "npm:x/y.js:7",
  ],
  [
    "file:///root/.cache/deno/npm/registry.npmjs.org/deno-std/1.4.0/assert/mod.js",
    "packages",
    "npm:deno-std@1.4.0/assert/mod.js:7",
  ],
  [
    "file:///c/npm/registry.npmjs.org/@scope/pkg/2.0.0-rc.1/x.js",
    "packages",
    "npm:@scope/pkg@2.0.0-rc.1/x.js:7",
  ],
  ["https://example.com/x.ts", "packages", "https://example.com/x.ts:7"],
  ["data:text/javascript,export default 1", "own", "data:7"],
  ["node:crypto", "runtime", undefined],
  ["ext:core/01_core.js", "runtime", undefined],
  ["", "runtime", undefined],
] as const;

for (const [url, owner, place] of PLACES) {
  Deno.test(`a function of ${url || "V8"} is of ${owner}, at ${place}`, () => {
    assertEquals([ownerOf({ url }), placeOf(at(url), "/home/me/job")], [owner, place]);
  });
}

Deno.test("placeOf() names no line where there is none, and survives a broken address", () => {
  assertEquals(placeOf(at("file:///j/a.ts", 0), "/j"), "a.ts");
  assertEquals(placeOf(at("file:///j/node_modules/x/%zz.js"), "/j"), "npm:x/%zz.js:7");
});

Deno.test("deedOf() says what the runtime does", () => {
  const deeds = ["(garbage collector)", "structuredClone", "op_serialize", "(program)", "op_x"];
  assertEquals(deeds.map((name) => deedOf({ name })), [
    "collecting garbage",
    "cloning",
    "cloning",
    "native code",
    "other functions of Deno",
  ]);
});

Deno.test("nameOf() writes a function as a person would", () => {
  const of = (name: string, line = 3, column = 9) => nameOf({ name, url: "", line, column });
  assertEquals([of("parse"), of("get size"), of("Timeout.<computed>")], [
    "parse()",
    "get size()",
    "Timeout.<computed>()",
  ]);
  assertEquals([of(""), of("", 1, 1), of("(program)")], [
    "a nameless function",
    "the module itself",
    "(program)",
  ]);
});
