import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  mayRunScripts,
  runTask,
  runTaskEach,
  runTaskOnEach,
  type ScriptRun,
} from "./run_script.ts";
import { withDeadline } from "../with_deadline.ts";

const ignore = !mayRunScripts;
/** The smallest sweep, in case a module isn't refused. */
const SMALL = ["--slots", "1,2", "--rounds", "1"];

/** Sweeps a module of this code, or of several files, from its folder; type checking takes a second. */
async function sweep(
  code: string | Readonly<Record<string, string>>,
  args: readonly string[] = SMALL,
  name = "job.js",
): Promise<ScriptRun> {
  const cwd = await Deno.makeTempDir({ prefix: "lanes-sweep-" });
  try {
    for (const [path, text] of Object.entries(typeof code === "string" ? { [name]: code } : code)) {
      await Deno.writeTextFile(`${cwd}/${path}`, text);
    }
    return await runTask("sweep", [name, ...args], { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Checks that one line says what is wrong; the lines before it only report progress. */
function assertEnds({ code, stdout, stderr }: ScriptRun, wanted: number, ...parts: string[]): void {
  const said = stderr.trimEnd().split("\n").filter((line) => line.startsWith("sweep: "));
  assertEquals(said.length, 1, stderr);
  for (const part of parts) assertStringIncludes(said[0]!, part);
  assert(!/^\s+at /m.test(stderr), stderr);
  assertEquals(stdout, "");
  assertEquals(code, wanted, stderr);
}

const TASK = "export default (n) => n;";
const ITEMS = "export const items = [1, 2, 3];";
const NEVER = "await new Promise(() => { setInterval(() => {}, 1000); });";

/** Refused modules: the case, the code, the exit code, words of the error, and further arguments. */
const REFUSED: readonly (readonly [
  what: string,
  code: string,
  wanted: number,
  parts: readonly string[],
  args?: readonly string[],
])[] = [
  ["no default export", ITEMS, 2, ["no default export", "default function"]],
  [
    "no default export but others",
    `${ITEMS} export function half(n) { return n / 2; }`,
    2,
    ["--export: half"],
  ],
  ["no export of that name", ITEMS + TASK, 2, [`no export "half"`], ["--export", "half"]],
  ["a task that is no function", `${ITEMS} export default 5;`, 2, ["no function but number"]],
  ["no items", TASK, 2, [`exports no "items"`]],
  ["items that can't be iterated", `export const items = 5; ${TASK}`, 2, ["can't be iterated"]],
  ["a task without a kernel on a GPU", `${ITEMS} ${TASK} export const kernel = 3;`, 2, [
    "--model",
    "no kernel",
  ], ["--model", "gpu"]],
  ["a function that returns no items", `export const items = () => 5; ${TASK}`, 2, [
    "can't be iterated",
  ]],
  ["a text as items", `export const items = "abc"; ${TASK}`, 2, [`"items" is a string`]],
  ["a teardown that throws", `${ITEMS} ${TASK} export const teardown = () => { throw 1; };`, 1, [
    "teardown failed",
  ]],
  ["empty items", `export const items = []; ${TASK}`, 2, ["its items are empty"]],
  ["items that throw", `export function* items() { throw Error("no list"); } ${TASK}`, 1, [
    "no list",
  ]],
  [
    "items that can be made only once",
    `export function* items() { Deno.mkdirSync("made"); yield* [1, 2, 3]; } ${TASK}`,
    1,
    ["File exists", "export reset()"],
    ["--allow-write"],
  ],
  ["a type error", `${ITEMS} const n: number = "one"; export default () => n;`, 2, ["TS2322"]],
  ["a syntax error", "export const items = [1; export default", 2, ["job.js"]],
  ["an import that isn't there", `import "./gone.ts"; ${ITEMS} ${TASK}`, 2, ["gone.ts"]],
  ["a module that throws", `${ITEMS} ${TASK} throw new Error("not today");`, 1, ["not today"]],
  ["a module that exits", `${ITEMS} ${TASK} Deno.exit(4);`, 1, ["loading it ended", "exit code 4"]],
  ["a module that needs a permission", `Deno.env.get("HOME"); ${ITEMS} ${TASK}`, 2, [
    "--allow-env=HOME",
  ]],
  [
    "a task that needs a permission",
    `${ITEMS} export default () => fetch("http://127.0.0.1:8099/").then(String);`,
    2,
    ["net access", "add --allow-net=127.0.0.1:8099"],
  ],
  [
    "a set-up that throws",
    `${ITEMS} ${TASK} export function setup() { throw Error("no site"); }`,
    1,
    [
      "setup failed",
      "no site",
    ],
  ],
  [
    "a task that always throws",
    `${ITEMS} export default () => { throw RangeError("no cheese"); };`,
    1,
    [
      "every item fails",
      "no cheese",
    ],
  ],
  ["a task that exits", `${ITEMS} export default () => Deno.exit(7);`, 1, ["exit code 7"]],
];

Deno.test({
  name: "sweep refuses in one clear line what is no job that it can sweep",
  ignore,
  async fn(t) {
    const jobs = REFUSED.map(([what, code, _, __, args = []]) => ({
      ...{ code, args: [...SMALL, ...args] },
      name: what === "a type error" ? "job.ts" : "job.js",
    }));
    const runs = await runTaskOnEach("sweep", jobs);
    for (const [at, [what, _, wanted, parts]] of REFUSED.entries()) {
      await t.step(what, () => assertEnds(runs[at]!, wanted, ...parts));
    }
  },
});

Deno.test({
  name:
    "sweep names what comes to no end: a module that never loads, and a task that never settles",
  ignore,
  fn: async () => {
    // Both wait for their time limits, so they run at the same time. To load, a module has 15 s at least.
    const cases = [
      [1000, `${NEVER} ${ITEMS} ${TASK}`, "the module did not load", 15_000],
      [1000, `${ITEMS} export default async () => { ${NEVER} };`, "item 0 did not settle", 0],
    ] as const;
    await Promise.all(
      cases.map(([givenMs, code, what, leastMs]) =>
        withDeadline(givenMs, async (timeoutMs) => {
          const within = `within ${(Math.max(timeoutMs, leastMs) / 1000).toFixed(1)} s`;
          const ended = await sweep(code, [...SMALL, "--timeout", `${timeoutMs}ms`]);
          assertEnds(ended, 1, `${what} ${within}`, "raise --timeout");
        })
      ),
    );
  },
});

Deno.test({
  name: "sweep refuses modules that aren't there, folders, and addresses",
  ignore,
  fn: async () => {
    const cases = [
      ["no_such_job.ts", "no_such_job.ts", "no such file"],
      ["lib", "a folder"],
      ["https://example.com/job.ts", "not a local file", "save it here"],
      ["http://127.0.0.1/job.ts", "not a local file", "save it here"],
    ] as const;
    const runs = await runTaskEach("sweep", cases.map(([module]) => [module]));
    for (const [at, [_, ...parts]] of cases.entries()) assertEnds(runs[at]!, 2, ...parts);
  },
});

Deno.test({
  name: "sweep takes another export as the task, and isn't confused by what it prints",
  ignore,
  fn: async () => {
    const code = `${ITEMS} export default () => { throw Error("the wrong one"); };
      export async function quiet(n) {
        console.log("{}");
        Deno.stdout.writeSync(new TextEncoder().encode("half a line"));
        await new Promise((done) => setTimeout(done, 2));
        return n;
      }`;
    const { code: ended, stdout, stderr } = await sweep(code, [...SMALL, "--export", "quiet"]);
    assertEquals(ended, 0, stderr);
    assertStringIncludes(stdout, "job.js: limited by slots");
    assert(!stdout.includes("half a line") && !stdout.includes("{}"));
  },
});

Deno.test({
  name: "sweep ends with 1 when some items fail, and says how many at which size",
  ignore,
  fn: async () => {
    const code = `${ITEMS} export default async (n) => {
      await new Promise((done) => setTimeout(done, 2));
      if (n === 2) throw new RangeError("two");
      return n;
    };`;
    const { code: ended, stdout } = await sweep(code);
    assertEquals(ended, 1, stdout);
    assertStringIncludes(stdout, "At 1: 1 of 3 tasks failed: 1 RangeError");
  },
});

Deno.test({
  name: "sweep says from how many slots on a server refuses, and takes nothing from there",
  ignore,
  fn: async () => {
    // The job imitates a server that answers four requests at once and all others with 429.
    const code = `let inFlight = 0;
      export const items = Array.from({ length: 64 }, (_, n) => n);
      export default async (n) => {
        const status = ++inFlight > 4 ? 429 : 200;
        await new Promise((done) => setTimeout(done, status === 429 ? 1 : 10));
        inFlight--;
        if (status !== 200) throw Object.assign(new Error("too many"), { code: \`status \${status}\` });
        return n;
      };`;
    const { code: ended, stdout } = await sweep(code, ["--slots", "1,2,4,8", "--rounds", "2"]);
    assertEquals(ended, 1, stdout);
    const text = stdout.replace(/\s+/g, " ");
    assertMatch(
      text,
      /Tasks fail from 8 slots on, \d+ of 128 there: 4 slots is the most that is borne/,
    );
    assertMatch(text, /Failed: At 8: \d+ of 128 tasks failed: \d+ status 429/);
    assertStringIncludes(text, "No knee up to 4 slots");
    assertStringIncludes(text, "no forecast, since tasks fail from 8 slots on");
    assert(!/Failed: At [124]:/.test(text), text);
  },
});

Deno.test({
  name: "sweep measures no more slots than there are items, unless asked to",
  ignore,
  fn: async () => {
    const code = `export const items = [1, 2, 3, 4, 5];
      export default (n) => new Promise((done) => setTimeout(done, 20, n));`;
    const [all, asked] = await Promise.all([
      sweep(code, ["--rounds", "1"]),
      sweep(code, ["--rounds", "1", "--slots", "1,16"]),
    ]);
    assertStringIncludes(all.stderr, "limited with 1, 2, 4, 5 slots");
    assertStringIncludes(asked.stderr, "limited with 1, 16 slots");
  },
});

Deno.test({
  name:
    "a CommonJS job of a project of its own is swept on threads and processes as in its program",
  ignore,
  fn: async () => {
    const job = `const { basename } = require("node:path");
      exports.items = ["a/b", "c/d", "e/f", "g/h"];
      exports.default = (path) => basename(path);`;
    const models = ["limited", "workers", "processes"];
    const runs = models.map((model) => {
      const files = { "package.json": `{ "type": "commonjs" }`, "job.js": job };
      const size = model === "limited" ? "--slots" : "--lanes";
      return sweep(files, ["--model", model, size, "1,2", "--rounds", "1", "--allow-read"]);
    });
    for (const [at, { code, stdout, stderr }] of (await Promise.all(runs)).entries()) {
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, `job.js: ${models[at]} by`);
    }
  },
});

Deno.test({
  name: "sweep takes a list in its own order where tasks need those before them, as advise does",
  ignore,
  fn: async () => {
    const chained = "const done = new Set(); " +
      "export const items = Array.from({ length: 40 }, (_, i) => i); " +
      "export default (i) => { if (i && !done.has(i - 1)) throw Error('too early'); done.add(i); return i; };";
    const { code, stdout } = await sweep(chained);
    assertStringIncludes(stdout, "Stay at 1 slot: the results differ, or tasks fail, once");
    assertEquals(code, 0, stdout);
  },
});
