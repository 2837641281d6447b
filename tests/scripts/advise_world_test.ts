/** Jobs with their own project, folder and hooks, and the errors for faults in them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mayRunScripts, runTask, runTaskOnEach, type ScriptRun } from "./run_script.ts";
import { withDeadline } from "../with_deadline.ts";

const ignore = !mayRunScripts;

/** Writes files into a temporary folder, and runs `deno task advise` from it. */
async function adviseIn(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  budgetMs: number,
): Promise<ScriptRun> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    return await runTask("advise", [...args, "--budget", `${budgetMs}ms`], { cwd: folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Jobs that are refused or fail: the case, the code, the exit code, and parts of the error's line. */
const FAILING: readonly (readonly [string, string, number, readonly string[]])[] = [
  ["items that are a text", `export const items = "abc"; export default (s) => s;`, 2, [
    `"items" is a string`,
  ]],
  ["items() that gives a text", `export const items = () => "abc"; export default () => 1;`, 2, [
    `"items" is a string`,
  ]],
  ["items() that gives a number", `export const items = () => 42; export default () => 1;`, 2, [
    "can't be iterated",
  ]],
  [
    "a clock of its own",
    `performance.now = () => 0; export const items = [1]; export default () => 1;`,
    1,
    ["performance.now can't be replaced"],
  ],
  [
    "a clock instead of all others",
    `globalThis.performance = { now: () => 0 }; export const items = [1]; export default () => 1;`,
    1,
    ["performance.now can't be replaced"],
  ],
  [
    "items from stdin",
    `export async function* items() { for await (const line of process.stdin) yield line; }
     export default () => 1;`,
    1,
    ["stdin can't be read by a job", "--from -"],
  ],
  [
    "a JSON of its own",
    `JSON.stringify = () => "mine"; export const items = []; export default () => 1;`,
    2,
    ["are empty"],
  ],
  ["an empty set", `export const items = new Set(); export default () => 1;`, 2, ["are empty"]],
  ["an empty generator", `export function* items() {} export default () => 1;`, 2, ["are empty"]],
  [
    "a task that is a generator function",
    `export const items = [1]; export default async function* (n) { yield n; }`,
    2,
    ["a generator function", "returns its result"],
  ],
  [
    "a task that is a class",
    `export const items = [1]; export default class Job { constructor(n) {} }`,
    2,
    ["a class, which only new can call", "returns its result"],
  ],
  [
    "a task that gives a generator",
    `function* f() { yield 1; } export const items = [1]; export default async () => f();`,
    2,
    ["gives a generator for item 0"],
  ],
  [
    "a setup that is no function",
    `export const items = [1], setup = 4; export default () => 1;`,
    2,
    [
      `"setup" is no function`,
    ],
  ],
  [
    "a prepare that throws",
    `export const items = [1]; export default () => 1;
     export function prepare() { throw new Error("no site"); }`,
    1,
    ["prepare failed: no site"],
  ],
  [
    "a teardown that throws",
    `export const items = [1]; export default () => 1;
     export function teardown() { throw new Error("boom"); }`,
    1,
    ["teardown failed: boom"],
  ],
  [
    "items that throw at the sixth",
    `export function* items() { yield* [0, 1, 2, 3, 4]; throw new Error("no more"); }
     export default () => 1;`,
    1,
    ["making item 5 failed: no more"],
  ],
  [
    "items that need what setup makes",
    `let rows;
     export const setup = () => { rows = [1]; };
     export const items = () => rows.slice();
     export default () => 1;`,
    1,
    ["items failed", "make what they need in prepare()"],
  ],
  [
    "a task that ends the process, among many that are tiny",
    `export const items = Array.from({ length: 2000 }, (_, n) => n);
     export default (n) => n === 1500 ? Deno.exit(3) : n;`,
    1,
    ["item 1500 ended the whole process"],
  ],
];

Deno.test({
  name: "advise ends with one line for a job that fails before anything was measured",
  ignore,
  async fn(t) {
    const runs = await runTaskOnEach("advise", FAILING.map(([_, code]) => ({ code })));
    for (const [at, [what, _, wanted, parts]] of FAILING.entries()) {
      await t.step(`${wanted} for ${what}`, () => {
        const { code, stdout, stderr } = runs[at]!;
        const line = stderr.trimEnd().split("\n").at(-1)!;
        for (const part of ["advise: ", ...parts]) assertStringIncludes(line, part);
        assertEquals([code, stdout], [wanted, ""]);
      });
    }
  },
});

Deno.test({
  name: "advise ends with one line for a job whose setup never ends",
  ignore,
  fn: () =>
    withDeadline(4000, async (budgetMs) => {
      const code = `export const items = [1]; export default () => 1;
        export const setup = () => new Promise(() => {});`;
      const ended = await adviseIn({ "job.js": code }, ["job.js"], budgetMs);
      const line = ended.stderr.trimEnd().split("\n").at(-1)!;
      for (const part of ["advise: ", "its setup did not end within"]) {
        assertStringIncludes(line, part);
      }
      assertEquals([ended.code, ended.stdout], [1, ""]);
    }, 10),
});

const WAIT = "await new Promise((r) => setTimeout(r, 5));";

/** Jobs whose sample is cut off, and the reasons given. */
const STUCK: readonly (readonly [string, string, string, string])[] = [
  [
    "a task that never settles, with the number of items kept",
    `export const items = Array.from({ length: 20 }, (_, n) => n);
     export default async (n) => { ${WAIT} if (n === 7) await new Promise(() => {}); };`,
    "item 7 did not settle",
    "for 20 items",
  ],
  [
    "items that stop coming",
    `export async function* items() { yield* [0, 1, 2, 3, 4]; await new Promise(() => {}); }
     export default async () => { ${WAIT} };`,
    "item 5 did not arrive",
    "5 items of",
  ],
];

Deno.test({
  name: `advise names ${STUCK.map(([what]) => what).join("; ")}`,
  ignore,
  async fn() {
    // Both wait for their time limits, so they run at the same time.
    await Promise.all(
      STUCK.map(([_, code, named, counted]) =>
        withDeadline(8000, async (budgetMs) => {
          const ended = await adviseIn({ "job.js": code }, ["job.js"], budgetMs);
          assertStringIncludes(ended.stderr, named);
          assertStringIncludes(ended.stdout, counted);
          assertEquals(ended.code, 1);
        }, 10)
      ),
    );
  },
});

Deno.test({
  name: "a job runs in its own project and in its user's folder, and no lock is written",
  ignore,
  async fn() {
    const code = `import { k } from "@k/k.ts";
      export const items = [1, 2, 3];
      export default async (n) => (await Deno.readTextFile("./data.txt")).length + k + n;`;
    const files = {
      "own/deno.jsonc": `{ "imports": { "@k/": "./k/" } }`,
      "own/k/k.ts": "export const k = 4;",
      "own/sub/job.js": code,
      "data.txt": "text",
    };
    const args = ["own/sub/job.js", "--allow-read=./data.txt"];
    await withDeadline(4000, async (budgetMs) => {
      const { code: ended, stdout, stderr } = await adviseIn(files, args, budgetMs);
      assertEquals(ended, 0, stderr);
      assertStringIncludes(stdout, "3 items of 3 ran");
    }, 10);
  },
});

Deno.test({
  name: "a job's setup runs in every lane, and what it prepared is there before its items",
  ignore,
  async fn() {
    const code = `let from = 0;
      export function prepare() { from = 3; }
      export const setup = () => ({ add: 4 });
      export function* items() { for (let n = 0; n < 40; n++) yield from + n; }
      export default function (n, { resource }) {
        if (n < 3) throw new Error("not prepared");
        let s = 0;
        for (let i = 0; i < 1e7; i++) s += i % 7;
        return s + n + resource.add;
      }`;
    await withDeadline(8000, async (budgetMs) => {
      const files = { "job.js": code };
      const { code: ended, stdout, stderr } = await adviseIn(files, ["job.js"], budgetMs);
      assertEquals(ended, 0, stderr);
      assert(!/could not run|other results|tasks failed/.test(stdout), stdout);
      assertStringIncludes(stdout, "await job.prepare();");
    }, 10);
  },
});

Deno.test({
  name: "a teardown that is slow is said to be, and a source that is the limit too",
  ignore,
  async fn() {
    const code = `export const items = [1, 2, 3]; export default async () => { ${WAIT} };
      export const teardown = () => new Promise((r) => setTimeout(r, 300));`;
    await withDeadline(4000, async (budgetMs) => {
      const slow = await adviseIn({ "job.js": code }, ["job.js"], budgetMs);
      assertEquals(slow.code, 0, slow.stderr);
      assertStringIncludes(slow.stdout.replaceAll(/\s+/g, " "), "The teardown is slow");
    }, 10);
  },
});
