import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { advise, WAITING } from "./advise_job.ts";
import {
  mayRunScripts,
  ROOT,
  runTask,
  runTaskEach,
  runTaskOnEach,
  type ScriptRun,
} from "./run_script.ts";
import { withDeadline } from "../with_deadline.ts";

const ignore = !mayRunScripts;

/** The last line of stderr says what is wrong; the lines before it only report progress. */
function assertEnds({ code, stdout, stderr }: ScriptRun, wanted: number, ...parts: string[]): void {
  const line = stderr.trimEnd().split("\n").at(-1)!;
  assert(line.startsWith("advise: "), stderr);
  for (const part of parts) assertStringIncludes(line, part);
  assert(!/^\s+at /m.test(stderr), stderr);
  assertEquals(stdout, "");
  assertEquals(code, wanted, stderr);
}

/** Jobs that come to no end: the case, the module, and words of the error. */
const STUCK: readonly (readonly [string, string, ...string[]])[] = [
  [
    "a task that never settles",
    "export const items = [1, 2]; export default () => new Promise(() => { setInterval(() => {}, 1000); });",
    "did not settle",
    "--budget",
  ],
  [
    "a task that never yields",
    "export const items = [1, 2]; export default () => { while (true) { /* busy */ } };",
    "did not settle",
  ],
  [
    "items that never come",
    "export async function* items() { setInterval(() => {}, 1000); await new Promise(() => {}); yield 1; } export default (n) => n;",
    "first item",
  ],
];

/** Refused jobs: the case, the module, the arguments, the exit code, and words of the error. */
const REFUSED: readonly (readonly [string, string, readonly string[], number, ...string[]])[] = [
  [
    "no default export",
    "export const items = [1];",
    [],
    2,
    "no default export",
    "default function",
  ],
  [
    "no default export but others",
    "export const items = [1]; export function half(n) { return n / 2; }",
    [],
    2,
    "--export: half",
  ],
  [
    "no export of that name",
    "export const items = [1]; export default (n) => n;",
    ["--export", "half"],
    2,
    `"half"`,
  ],
  [
    "a default export that is no function",
    "export const items = [1]; export default 5;",
    [],
    2,
    "number",
  ],
  ["no items", "export default (n) => n;", [], 2, `no "items"`],
  [
    "items that can't be iterated",
    "export const items = 5; export default (n) => n;",
    [],
    2,
    "iterated",
  ],
  [
    "empty items",
    "export const items = []; export default (n) => n;",
    [],
    2,
    "empty",
  ],
  [
    "a task that always throws",
    `export const items = [1, 2]; export default () => { throw new RangeError("out of cheese"); };`,
    [],
    1,
    "every item fails",
    "RangeError: out of cheese",
  ],
  [
    "a task that exits",
    "export const items = [1, 2]; export default () => Deno.exit(7);",
    [],
    1,
    "exit",
    "7",
  ],
  [
    "a task without a permission",
    `export const items = [1]; export default () => fetch("http://127.0.0.1:8099/").then(String);`,
    [],
    2,
    "net access",
    "--allow-net=127.0.0.1:8099",
  ],
  [
    "a module that needs a permission to load",
    `Deno.readTextFileSync("/etc/hostname"); export const items = [1]; export default () => 1;`,
    [],
    2,
    "--allow-read=/etc/hostname",
  ],
  [
    "a type error",
    `export const items = [1]; const n: number = "one"; export default () => n;`,
    [],
    2,
    "TS2322",
  ],
  ["a syntax error", "export const items = [1; export default", [], 2, "job.js"],
  [
    "a missing import",
    `import "./gone.ts"; export const items = [1]; export default () => 1;`,
    [],
    2,
    "gone.ts",
  ],
  [
    "a module that throws",
    `export const items = [1]; export default () => 1; throw new Error("not today");`,
    [],
    1,
    "not today",
  ],
  [
    "a setup that throws",
    `export const items = [1]; export default () => 1; export function setup() { throw new Error("no site"); }`,
    [],
    1,
    "setup failed",
    "no site",
  ],
  [
    "items that are no number",
    "export const items = [1]; export default () => 1;",
    ["--items=0"],
    2,
    "--items",
  ],
  [
    "a budget that is no time",
    "export const items = [1]; export default () => 1;",
    ["--budget=soon"],
    2,
    "--budget",
  ],
  [
    "a model that advice doesn't know",
    "export const items = [1]; export default () => 1;",
    ["--models=threads"],
    2,
    "auto",
  ],
  [
    "a permission that isn't one",
    "export const items = [1]; export default () => 1;",
    ["--allow-fun"],
    2,
    "--allow-fun",
  ],
  [
    "a folder that isn't there",
    "export const items = [1]; export default () => 1;",
    ["--json=/no/such/folder/a.json"],
    2,
    "--json",
  ],
];

Deno.test({
  name: "advise refuses what is no job that it can run in one clear line",
  ignore,
  async fn(t) {
    const jobs = REFUSED.map(([what, code, args]) => ({
      ...{ code, args },
      name: what === "a type error" ? "job.ts" : "job.js",
    }));
    const runs = await runTaskOnEach("advise", jobs);
    for (const [at, [what, _, __, wanted, ...parts]] of REFUSED.entries()) {
      await t.step(what, () => assertEnds(runs[at]!, wanted, ...parts));
    }
  },
});

Deno.test({
  name: `advise says what kept its budget from being enough: ${
    STUCK.map(([what]) => what).join("; ")
  }`,
  ignore,
  // All wait for their time limits, so they run at the same time.
  fn: () =>
    Promise.all(
      STUCK.map(([_, code, ...parts]) =>
        withDeadline(5000, async (budgetMs) =>
          assertEnds(await advise(code, ["--budget", `${budgetMs}ms`]), 1, ...parts))
      ),
    ).then(() => {}),
});

Deno.test({
  name: "advise refuses modules that aren't there, folders, and addresses",
  ignore,
  fn: async () => {
    const cases = [
      [["no_such_job.ts"], "no_such_job.ts", "no such file"],
      [["lib"], "a folder"],
      [["https://example.com/job.ts"], "not a local file"],
      [[], "module"],
    ] as const;
    const runs = await runTaskEach("advise", cases.map(([args]) => args));
    for (const [at, [_, ...parts]] of cases.entries()) assertEnds(runs[at]!, 2, ...parts);
  },
});

Deno.test({
  name: "advise --dry runs no task, no items and no setup",
  ignore,
  fn: async () => {
    const code = `export function items() { throw new Error("items ran"); }
      export function setup() { throw new Error("setup ran"); }
      export default () => { throw new Error("task ran"); };`;
    const { code: ended, stdout, stderr } = await advise(code, ["--dry", "--items", "7"]);
    assertEquals(ended, 0, stderr);
    assertStringIncludes(stdout, "at most 7 items");
    assertStringIncludes(stdout, "Nothing was run");
  },
});

Deno.test({
  name: "advise answers for a task that sometimes throws, and ends with 1",
  ignore,
  fn: async () => {
    const code = `${WAITING}export default async (n) => {
      await wait(); if (n === 4) throw new Error("four"); return n; };`;
    const { code: ended, stdout, stderr } = await advise(code);
    assertEquals(ended, 1, stderr);
    assertStringIncludes(stdout, "Recommended: ");
    assertStringIncludes(stderr, "1 of 12 items failed, item 3 with Error: four");
  },
});

Deno.test({
  name: "advise answers, if partly, when a later item never settles",
  ignore,
  fn: async () => {
    const code = `${WAITING}export default async (n) => {
      if (n === 9) await new Promise(() => { setInterval(() => {}, 1000); }); await wait(); return n; };`;
    await withDeadline(3000, async (budgetMs) => {
      const { code: ended, stdout, stderr } = await advise(code, ["--budget", `${budgetMs}ms`]);
      assertEquals(ended, 1, stderr);
      assertStringIncludes(stdout, "Partial: ");
      assertStringIncludes(stdout, "Recommended: ");
      assertStringIncludes(stderr, "item 8 did not settle");
    }, 10);
  },
});

Deno.test({
  name: "advise takes what it needs of endless items",
  ignore,
  fn: async () => {
    const code = `export function* items() { for (let n = 0;; n++) yield n; }
      export default (n) => new Promise((resolve) => setTimeout(resolve, 5, n));`;
    await withDeadline(8000, async (budgetMs) => {
      const { code: ended, stdout, stderr } = await advise(code, ["--budget", `${budgetMs}ms`]);
      assertEquals(ended, 0, stderr);
      assertStringIncludes(stdout, "unknown number");
      assertStringIncludes(stdout, "I/O-bound");
    }, 10);
  },
});

Deno.test({
  name: "advise names shared state, and the path of what can't be sent",
  ignore,
  fn: async () => {
    const shared = await runTask("advise", ["scripts/examples/shared_state.ts"]);
    assertEquals(shared.code, 1);
    // If there was no time for a run from last to first, either text may appear.
    assertMatch(shared.stdout.replaceAll(/\s+/g, " "), /which tasks ran before it|share state/);
    assertStringIncludes(shared.stdout, "Recommended: sequential");
    const code = `${WAITING}export default async (n) => {
      await wait(); return { n, again: () => n }; };`;
    assertStringIncludes((await advise(code)).stdout, ".again is a function");
  },
});

Deno.test({
  name:
    "advise writes JSON, Markdown and an HTML page in which nothing of the job becomes markup, " +
    "and isn't confused by a task that prints to stdout",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "lanes-advise-" });
    try {
      const code = `${WAITING}export const title = "<script>alert(1)</script>|x";
        export default async (n) => {
          console.log("{}"); await wait();
          Deno.stdout.writeSync(new TextEncoder().encode("half a line")); return n; };`;
      const files = ["json", "html", "markdown"].map((kind) => `--${kind}=${folder}/${kind}`);
      const { code: ended, stdout, stderr } = await advise(code, files);
      assertEquals(ended, 0, stderr);
      assert(!stdout.includes("half a line"));
      assertStringIncludes(stdout, "Recommended: ");
      const { schemaVersion, advice } = JSON.parse(await Deno.readTextFile(`${folder}/json`));
      assertEquals([schemaVersion, advice.job.total], [1, 12]);
      const page = await Deno.readTextFile(`${folder}/html`);
      assert(!page.includes("<script>alert"));
      // Whether a model is worth recommending depends on how busy the machine is.
      assertStringIncludes(page, `<p class="verdict">`);
      assertStringIncludes(await Deno.readTextFile(`${folder}/markdown`), "&#60;script&#62;");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name:
    "advise takes a relative path and a file: URL; the code that it prints runs as it stands and passes the type check",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "lanes-advise-" });
    const deno = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args,
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    const examples = new URL("../../scripts/examples/", import.meta.url);
    const programs: string[] = [];
    try {
      for (const job of ["too_small.ts", "polite_downloader.ts"]) {
        // One is named from where the user is, the other by its URL.
        const [path, cwd, ...flags] = job === "too_small.ts"
          ? [job, fileURLToPath(examples)]
          // A few items are enough for advice that has a program.
          : [
            new URL(job, examples).href,
            folder,
            "--allow-net=127.0.0.1",
            "--allow-run",
            "--items=12",
          ];
        const json = `${folder}/advice.json`;
        const ran = await runTask("advise", [path, ...flags, `--json=${json}`], { cwd });
        assertEquals(ran.code, 0, ran.stderr);
        if (job === "too_small.ts") {
          assertStringIncludes(ran.stdout, "too small to matter");
          assertStringIncludes(ran.stdout, "Leave it sequential");
        }
        const { advice } = JSON.parse(await Deno.readTextFile(json));
        const program = `${folder}/${job}`;
        await Deno.writeTextFile(program, advice.code);
        programs.push(program);
        const stdout = await deno("run", "--no-prompt", ...advice.flags, program);
        const lines = stdout.trimEnd().split("\n").length;
        assertEquals(lines, job === "too_small.ts" ? 2000 : 60);
      }
      // All programs are checked together, because their imports are the same and are then checked once.
      await deno("check", "--config", `${ROOT}deno.json`, ...programs);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
