import fc from "../../properties.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  callTree,
  deedOf,
  flameBars,
  functionName,
  ownerOf,
  placeOf,
  timeByFunction,
} from "../../../lib/advice/profile/job_profile.ts";
import { marked, ROLES, type Stack } from "./fixture.ts";

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
    "file:///c/npm/registry.example/deno-std/1.4.0/assert/mod.js",
    "packages",
    "npm:deno-std@1.4.0/assert/mod.js:7",
  ],
  [
    "file:///c/npm/registry.example/@scope/pkg/2.0.0-rc.1/x.js",
    "packages",
    "npm:@scope/pkg@2.0.0-rc.1/x.js:7",
  ],
  ["https://example.com/x.ts", "packages", "https://example.com/x.ts:7"],
  ["data:text/javascript,export default 1", "own", "data:7"],
  ["wasm://wasm/0a1b2c", "own", "WebAssembly"],
  ["node:crypto", "runtime", undefined],
  ["ext:core/01_core.js", "runtime", undefined],
] as const;

for (const [url, owner, place] of PLACES) {
  Deno.test(`a function of ${url} is of ${owner}, at ${place}`, () => {
    assertEquals([ownerOf(at(url)), placeOf(at(url), "/home/me/job")], [owner, place]);
  });
}

Deno.test("a function without an address is V8's, or made by eval if it has lines", () => {
  const owned = (line: number) => {
    const frame = { ...at(""), line };
    return [ownerOf(frame), placeOf(frame, "/home/me/job")];
  };
  assertEquals(owned(0), ["runtime", undefined]);
  assertEquals(owned(1), ["own", "evaluated code"]);
});

Deno.test("a function of this library is a package's, but for its ready-made tasks", () => {
  const lane = new URL("../../../lib/lanes/lane_tasks.ts", import.meta.url).href;
  assertEquals([ownerOf(at(lane)), placeOf(at(lane), "/j")], [
    "packages",
    "lanes/lanes/lane_tasks.ts:7",
  ]);
  const task = new URL("../../../lib/tasks/primes.ts", import.meta.url).href;
  assertEquals(ownerOf(at(task)), "own");
});

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
  // A regular expression is classified by its kind, whatever its source mentions.
  assertEquals(deedOf({ name: "RegExp: ^(parse|a+)+$" }), "matching regular expressions");
});

Deno.test("functionName() writes a function as a person would", () => {
  const of = (name: string, line = 3, column = 9) => functionName({ name, url: "", line, column });
  assertEquals([of("parse"), of("get size"), of("Timeout.<computed>")], [
    "parse()",
    "get size()",
    "Timeout.<computed>()",
  ]);
  assertEquals([of("default"), of(""), of("", 1, 1), of("(program)")], [
    "the default export",
    "a nameless function",
    "the module itself",
    "(program)",
  ]);
});

const JOB = "file:///job/job.ts";
const PACKAGE = "file:///job/node_modules/x/a.js";

const timesOf = (seen: readonly (readonly [Stack, number])[]) =>
  timeByFunction(callTree(marked(seen), ROLES)!, "/job");

Deno.test("timeByFunction() ranks by a function's own time, and tells the whole beside it", () => {
  const { functions } = timesOf([
    [[`task@${JOB}:9`], 100],
    [[`task@${JOB}:9`, `parse@${JOB}:1`], 600],
    [[`task@${JOB}:9`, `chunk@${PACKAGE}:2`], 300],
  ]);
  assertEquals(functions, [
    { name: "parse()", owner: "own", place: "job.ts:1", share: 0.6, totalShare: 0.6 },
    { name: "chunk()", owner: "packages", place: "npm:x/a.js:2", share: 0.3, totalShare: 0.3 },
    { name: "task()", owner: "own", place: "job.ts:9", share: 0.1, totalShare: 1 },
  ]);
});

Deno.test("timeByFunction() counts what the runtime does for a function as that function's", () => {
  const { functions, shares, deeds } = timesOf([
    [[`hash@${JOB}:1`, "update@ext:node/hash.ts:3", "op_hash@"], 800],
    [[`hash@${JOB}:1`, "structuredClone@ext:core:1"], 100],
    [["(garbage collector)"], 100],
  ]);
  assertEquals(functions.map(({ name, share }) => [name, share]), [
    ["hash()", 0.9],
    ["collecting garbage", 0.1],
  ]);
  assertEquals(functions.map(({ deeds }) => deeds?.map(({ name }) => name)), [
    ["other functions of Deno", "cloning"],
    undefined,
  ]);
  assertEquals(shares, { own: 0, packages: 0, runtime: 1 });
  assertEquals(deeds.map(({ name, share }) => [name, share]), [
    ["other functions of Deno", 0.8],
    ["cloning", 0.1],
    ["collecting garbage", 0.1],
  ]);
});

Deno.test("timeByFunction() takes WebAssembly for his who calls it", () => {
  const { shares, functions } = timesOf([
    [[`task@${JOB}:1`, "wasm-function[0]@wasm://wasm/a:1"], 600],
    [[`chunk@${PACKAGE}:2`, "wasm-function[7]@wasm://wasm/b:1"], 400],
  ]);
  assertEquals(shares, { own: 0.6, packages: 0.4, runtime: 0 });
  assertEquals(functions.slice(0, 2).map(({ name, owner, place }) => [name, owner, place]), [
    ["wasm-function[0]", "own", "WebAssembly"],
    ["wasm-function[7]", "packages", "WebAssembly"],
  ]);
});

Deno.test("timeByFunction() counts recursion once, by way of others too", () => {
  const [a, b] = [`a@${JOB}:1`, `b@${JOB}:2`];
  const { functions } = timesOf([[[a, b, a, b], 100], [[a, a, a], 100]]);
  assertEquals(
    functions.map(({ name, share, totalShare }) => [name, share, totalShare]),
    [
      ["b()", 0.5, 0.5],
      ["a()", 0.5, 1],
    ].toSorted(),
  );
});

Deno.test("timeByFunction() and flameBars() find nothing where nothing ran", () => {
  assertEquals(timesOf([]).functions, []);
  assertEquals(timesOf([]).shares, { own: 0, packages: 0, runtime: 0 });
  assertEquals(flameBars(callTree(marked([]), ROLES)!, "/job"), []);
});

const frames = fc.constantFrom(
  `a@${JOB}:1`,
  `b@${JOB}:2`,
  `c@${PACKAGE}:3`,
  "op_x@",
  "(garbage collector)",
);
const seen = fc.array(
  fc.tuple(fc.array(frames, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 1000 })),
  { minLength: 1, maxLength: 40 },
);

Deno.test("shares add up, and no function takes more than all", () => {
  fc.assert(fc.property(seen, (seen) => {
    const { functions, shares, deeds } = timesOf(seen);
    const sum = (of: readonly { share: number }[]) => of.reduce((all, { share }) => all + share, 0);
    assertAlmostEquals(shares.own + shares.packages + shares.runtime, 1, 1e-9);
    assertAlmostEquals(sum(functions), 1, 1e-9);
    assertAlmostEquals(sum(deeds), shares.runtime, 1e-9);
    for (const { share, totalShare } of functions) {
      assert(totalShare <= 1 + 1e-9 && share <= totalShare + 1e-9);
    }
  }));
});

Deno.test("a bar of a flame graph lies within the one below it, and beside its neighbours", () => {
  fc.assert(fc.property(seen, (seen) => {
    const bars = flameBars(callTree(marked(seen), ROLES)!, "/job");
    const within = (inner: typeof bars[number], outer: typeof bars[number]) =>
      inner.from >= outer.from - 1e-9 &&
      inner.from + inner.share <= outer.from + outer.share + 1e-9;
    for (const bar of bars) {
      assert(bar.depth === 0 || bars.some((of) => of.depth === bar.depth - 1 && within(bar, of)));
      for (const other of bars) {
        assert(
          bar === other || bar.depth !== other.depth ||
            bar.from + bar.share <= other.from + 1e-9 ||
            other.from + other.share <= bar.from + 1e-9,
        );
      }
    }
  }));
});
