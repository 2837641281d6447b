import { assertEquals } from "@std/assert";
import { changeWords, sharedState } from "../../../lib/advice/job/shared_state.ts";

/** The shared state found in a job and its modules, as `name file:line`. */
async function found(job: string, others: Record<string, string> = {}, task = "default") {
  const files = new Map(Object.entries({ "job.ts": job, ...others }));
  const shared = await sharedState("file:///job.ts", task, (url) => {
    const code = files.get(new URL(url).pathname.slice(1));
    return code === undefined ? Promise.reject(new Error(url)) : Promise.resolve(code);
  });
  return shared && `${shared.name} ${shared.module.slice("file:///".length)}:${shared.line}`;
}

Deno.test("changeWords() says of which object a change by `this` is", () => {
  const change = { module: "file:///job.ts", line: 4 };
  assertEquals(changeWords({ ...change, name: "seen" }), "line 4 of job.ts changes seen");
  assertEquals(
    changeWords({ ...change, name: "this" }),
    "line 4 of job.ts changes its object (this)",
  );
});

for (
  const [what, code, name] of [
    ["a counter", "let n = 0;\nexport default () => ++n;", "n job.ts:2"],
    ["a sum", "let sum: number = 0;\nexport default (x: number) => (sum += x);", "sum job.ts:2"],
    [
      "a cache",
      "const seen = new Map();\nexport default async (u) => { seen.set(u, 1); return seen.size; };",
      "seen job.ts:2",
    ],
    [
      "one emitter for all answers",
      'const bus = new EventTarget();\nexport default (n) => new Promise((f) => bus.addEventListener("a", f));',
      "bus job.ts:2",
    ],
    [
      "an object as a cache",
      "const memo: Record<string, number> = {};\nexport default (k: string) => memo[k] ??= k.length;",
      "memo job.ts:2",
    ],
    [
      "a list in a map",
      "const m = new Map([[1, []]]);\nexport default (k) => m.get(k).push(1);",
      "m job.ts:2",
    ],
    [
      "a cache that is asked with what to compute",
      "const m = new Map();\nexport default (k) => m.getOrInsertComputed(k, (k) => k.length);",
      "m job.ts:2",
    ],
    [
      "what belongs to an object of the module's",
      "const made = new WeakMap(), all = {};\nexport default (x) => { made.set(all, x); return made.get(all); };",
      "made job.ts:2",
    ],
    [
      "what is deleted",
      "const m = {};\nexport default (k) => { delete m[k]; };\nexport const teardown = () => m;",
      "m job.ts:2",
    ],
    [
      "a destructured target",
      "let a, b;\nexport default (x) => { [a, { b }] = x; return a; };",
      "a job.ts:2",
    ],
    [
      "a connection",
      "let db;\nasync function open() { db ??= await connect(); return db; }\nexport default async (q) => (await open()).query(q);",
      "db job.ts:2",
    ],
    [
      "a generator",
      "const ids = (function* () { let n = 0; for (;;) yield n++; })();\nexport default () => ids.next().value;",
      "ids job.ts:2",
    ],
    [
      "a closure",
      "function counter() { let n = 0; return () => ++n; }\nconst next = counter();\nexport default () => next();",
      "n job.ts:1",
    ],
    [
      "a closure that is called at once",
      "const next = (() => { let n = 0; return () => ++n; })();\nexport default () => next();",
      "n job.ts:1",
    ],
    [
      "an object of a class",
      "class C { #n = 0; up() { return ++this.#n; } }\nconst c = new C();\nexport default () => c.up();",
      "this job.ts:1",
    ],
    ["a static field", "class C { static n = 0; }\nexport default () => ++C.n;", "C job.ts:2"],
    [
      "an object with a method",
      "const c = { n: 0, up() { return ++this.n; } };\nexport default () => c.up();",
      "this job.ts:1",
    ],
    [
      "the global object",
      "export default () => globalThis.n = (globalThis.n ?? 0) + 1;",
      "globalThis job.ts:1",
    ],
    [
      "what is assigned to",
      "const all = {};\nexport default (x) => Object.assign(all, x);",
      "all job.ts:2",
    ],
    [
      "what was prepared",
      "let db;\nexport const prepare = async () => { db = await open(); };\nexport default (q) => db.get(q);",
      "db job.ts:2",
    ],
    [
      "a helper's",
      "let n = 0;\nfunction helper() { n++; return n; }\nexport { run as default };\nasync function run() { await helper(); }",
      "n job.ts:2",
    ],

    [
      "what is made where it is missing",
      "let db;\nexport default async () => { db ??= await connect(); };",
      "db job.ts:2",
    ],
    ["what is exported", "export let n = 0;\nexport default () => { n++; };", "n job.ts:2"],

    [
      "what is made of the first item",
      "let base;\nexport default (x) => { base ??= x; return x - base; };",
      "base job.ts:2",
    ],
    [
      "what is made once and changed then",
      "let all;\nexport default (x) => { all ??= []; all.push(x); return all.length; };",
      "all job.ts:2",
    ],
    [
      "what is made of an item where there is none",
      "let base;\nexport default (x) => { if (base) for (;;) break; if (base) return x - base; base = x; return 0; };",
      "base job.ts:2",
    ],
    [
      "an object's field that is made once for each key",
      "const memo = {};\nexport default (k) => { if (!memo[k]) memo[k] = k.length; return memo[k]; };",
      "memo job.ts:2",
    ],

    [
      "what a package keeps for a function",
      "import lodash from 'lodash';\nconst half = lodash.memoize((k) => k / 2);\nexport default (k) => half(k);",
      "half job.ts:2",
    ],
    [
      "a table of what was seen",
      "const seen = new Uint8Array(9);\nexport default (x) => { seen[x] = 1; return seen.indexOf(0); };",
      "seen job.ts:2",
    ],
    [
      "a list that items name the places of",
      "const seen = [];\nexport default (xs) => { for (const x of xs) seen[x] = 1; return seen.length; };",
      "seen job.ts:2",
    ],
    [
      "a value that is read before it is replaced",
      "let last;\nexport default (x) => { const before = last; last = x; return before; };",
      "last job.ts:2",
    ],
    [
      "a buffer that is filled anew in one of two functions",
      "const b = [];\nconst add = (x) => b.push(x);\nexport default (x) => { b.fill(0); add(x); return b; };",
      "b job.ts:3",
    ],

    [
      "a buffer that each task fills anew",
      "const b = new Uint8Array(9);\nexport default (x) => { b.fill(0); b[x] = 1; return b.indexOf(1); };",
      undefined,
    ],
    [
      "a row that each call of a function fills anew",
      "const row = [];\nfunction far(a) { for (let i = 0; i < a; i++) row[i] = i; row[0] += a; return row[0]; }\nexport default (a) => far(a);",
      undefined,
    ],
    [
      "an expression that begins anew",
      "const word = /a/g;\nexport default (t) => { word.lastIndex = 0; return word.test(t); };",
      undefined,
    ],
    [
      "a list that is replaced",
      "let all = [];\nexport default (t) => { all = t.split(' '); all.push(t); return all.length; };",
      undefined,
    ],

    [
      "a table that is made when it is first needed",
      "let table;\nconst make = () => [1];\nexport default (i) => (table ??= make())[i];",
      undefined,
    ],
    [
      "one that is filled where it is missing",
      "let table;\nexport default (i) => { if (table === undefined) { table = []; for (let n = 0; n < 9; n++) table.push(n); } return table[i]; };",
      undefined,
    ],
    [
      "one that is given where it is there",
      "let table;\nfunction get() { if (table !== undefined) { return table; } table = new Map(); table.set(1, 2); return table; }\nexport default (i) => get().get(i);",
      undefined,
    ],
    [
      "a client that is made where there is none",
      "let client;\nfunction get() { if (!client) client = new Client(URL); return client; }\nexport default (x) => get().ask(x);",
      undefined,
    ],

    [
      "what nothing reads",
      "const all: number[] = [];\nlet n = 0, m = {}, last;\nexport default (x: number) => { all.push(x); n++; m[x] = 1; last = x; };",
      undefined,
    ],
    ["nothing", "const SIZE = 3;\nexport default (x: number): number => x * SIZE;", undefined],
    [
      "what is its own",
      "export default (xs) => { let sum = 0; const all = []; xs.forEach((x) => { sum += x; all.push(x); }); return sum; };",
      undefined,
    ],
    [
      "a table that is filled once",
      "const table = new Uint32Array(9);\nfor (let i = 0; i < 9; i++) table[i] = i * i;\nexport default (i) => table[i];",
      undefined,
    ],
    [
      "a table that a function makes",
      "function make() { const t = []; t.push(1); return t; }\nconst table = make();\nexport default (i) => table[i];",
      undefined,
    ],
    [
      "what belongs to an object that a task is given",
      "const made = new WeakMap();\nexport default (x, { resource }) => { made.set(resource, x); return made.get(resource); };",
      undefined,
    ],
    [
      "what is only waited at",
      "const cell = new Int32Array(1);\nexport default () => Atomics.wait(cell, 0, 0, 9);",
      undefined,
    ],
    [
      "a parameter of that name",
      "const out = [];\nexport default (out) => { out.push(1); return out; };",
      undefined,
    ],
    [
      "what is copied",
      "const words = ['b', 'a'];\nexport default () => words.slice().sort().concat(words);",
      undefined,
    ],
    [
      "what other exports change",
      "let n = 0;\nexport function* items() { yield n++; }\nexport function other() { n = 1; }\nexport default (x) => x;",
      undefined,
    ],
    [
      "what each lane sets up",
      "export const setup = () => { const c = { n: 0 }; return c; };\nexport default (x, { resource }) => { resource.n++; return x; };",
      undefined,
    ],
    [
      "an object of its own",
      "class Sum { n = 0; add(x) { this.n += x; return this; } }\nexport default (x) => { const s = new Sum(); s.add(x); return s.n; };",
      undefined,
    ],
    [
      "a package's",
      "import fs from 'node:fs';\nexport default (p) => { fs.promises.set(p); };",
      undefined,
    ],
    ["what can't be read", "let n = 0; export default () => ++n; ((", undefined],
  ] as const
) {
  Deno.test(`of a task's module: ${what}`, async () => {
    assertEquals(await found(code), name);
  });
}

Deno.test("modules are followed by what a task reaches of them", async () => {
  const others = {
    "state.ts":
      "export let n = 0;\nexport const bump = () => ++n;\nexport const look = () => 1;\nexport const all = [];",
    "all.ts": "export * from './state.ts';\nexport { bump as raise } from './state.ts';",
  };
  const from = (what: string, use: string, file = "all.ts") =>
    found(`import ${what} from "./${file}";\nexport default () => ${use};`, others);
  assertEquals(await from("{ bump }", "bump()"), "n state.ts:2");
  assertEquals(await from("{ raise as up }", "up()"), "n state.ts:2");
  assertEquals(await from("* as state", "state.bump()"), "n state.ts:2");
  assertEquals(await from("{ look }", "look()"), undefined);
  assertEquals(await from("{ all }", "all.push(1)", "state.ts"), "all job.ts:2");
  assertEquals(await from("{ none }", "none()", "gone.ts"), undefined);
});

Deno.test("it is the named task that counts", async () => {
  const code = "let n = 0;\nexport const counts = () => ++n;\nexport const looks = () => n;";
  assertEquals(await found(code, {}, "counts"), "n job.ts:2");
  assertEquals(await found(code, {}, "looks"), undefined);
});
