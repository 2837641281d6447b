/**
 * `deno task mutate`: changes single operators at random in a copy of the project, and reports the changes that
 * no test of the folder notices. For contributors.
 */

import { parse } from "@babel/parser";
import { fileURLToPath } from "node:url";
import { cp, readdir } from "node:fs/promises";
import { command } from "../lib/cli/command.ts";
import { positiveInteger, seedOption, UsageError } from "../lib/text/option_values.ts";
import { script } from "../lib/cli/script.ts";
import { seededRandom, shuffled } from "../lib/timing/random.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** A test run this many times as long as without a mutation counts as hung, so the change is noticed. */
const TIMEOUT_FACTOR = 5;
const LEAST_TIMEOUT_MS = 20_000;

/** Operators that replace each other. */
const PAIRS = ["< <=", "> >=", "=== !==", "&& ||", "+ -", "* /", "++ --", "+= -="];
/** The replacement of each operator. */
const OTHER = new Map<string, string>([
  ...PAIRS.map((pair) => pair.split(" ")).flatMap(([a, b]) => [[a!, b!], [b!, a!]] as const),
  ...[["??", "&&"], ["!", ""]] as const,
]);

interface Mutation {
  readonly path: string;
  readonly line: number;
  readonly start: number;
  readonly from: string;
}

/** The fields of a syntax tree's node that are used here. */
interface Node {
  readonly type?: string;
  readonly operator?: string;
  readonly start?: number;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly left?: Node & { readonly end: number };
  readonly argument?: Node & { readonly end: number };
  readonly prefix?: boolean;
}

function* mutationsOf(path: string, code: string): Generator<Mutation> {
  const visit = function* (node: Node): Generator<Mutation> {
    if (node.operator !== undefined && OTHER.has(node.operator)) {
      const from = node.operator;
      const after = node.left?.end ?? (node.prefix ? node.start! : node.argument!.end);
      const start = code.indexOf(from, after);
      yield { path, line: code.slice(0, start).split("\n").length, start, from };
    }
    for (const [key, child] of Object.entries(node)) {
      if (key === "loc" || key === "comments" || key === "tokens") continue;
      for (const one of Array.isArray(child) ? child : [child]) {
        if (typeof one?.type === "string") yield* visit(one);
      }
    }
  };
  const tree = parse(code, {
    sourceType: "module",
    plugins: ["typescript", "explicitResourceManagement"],
  });
  yield* visit(tree.program as unknown as Node);
}

/** Copies the project without its history and packages. */
function copyProject(to: string): Promise<void> {
  const filter = (path: string) => !/[/\\](\.git|node_modules)$/.test(path);
  return cp(ROOT, to, { recursive: true, filter });
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(ROOT + path).then(() => true, () => false);
}

/** The tests that mirror a file: queue.ts has queue_test.ts and queue_keys_test.ts, for example. */
async function testsOf(path: string): Promise<string[]> {
  const mirrored = path.replace(/^lib/, "tests").replace(/\.ts$/, "");
  const folder = mirrored.slice(0, mirrored.lastIndexOf("/") + 1);
  const names = await readdir(ROOT + folder).catch(() => []);
  return names.map((name) => folder + name)
    .filter((name) => name.startsWith(`${mirrored}_`) && name.endsWith("_test.ts"));
}

async function passes(
  copy: string,
  tests: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", "--quiet", "--fail-fast", ...tests],
    cwd: copy,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal,
  }).output();
  return success;
}

const mutate = command(
  "mutate",
  `
Changes single operators of a folder at random, one at a time and in a copy, and runs the tests that
mirror the folder. What they don't notice is named: nothing tests it, or it makes no difference.`
    .trim(),
)
  .argument("<folder>", "such as lib/dispatch")
  .option("--count <n>", "how many changes (default: 20)")
  .option("--seed <n>", "which ones (default: 1)")
  .option("--tests <path>", "the tests to run (default: those that mirror the folder)")
  .addHelpText("after", "\nExit codes: 0 done, 2 bad option or folder, 130 interrupted.");

await script("mutate", async (signal, args) => {
  mutate.parse(args, { from: "user" });
  const [given] = mutate.processedArgs;
  const { count: countText = "20", seed: seedText = "1", tests: testsText } = mutate.opts();
  const count = positiveInteger("--count", countText);
  const seed = seedOption(seedText);
  const folder = given.replace(/^\.\//, "").replace(/\/+$/, "");
  const tests = testsText ?? folder.replace(/^lib/, "tests");
  for (const [option, path] of [["folder", folder], ["--tests", tests]] as const) {
    if (!await exists(path)) {
      const remedy = "give one such as lib/dispatch";
      throw new UsageError(option, path, "not found in the project", remedy);
    }
  }
  const all: Mutation[] = [];
  for (const name of (await readdir(ROOT + folder, { recursive: true })).sort()) {
    if (!/(?<!\.d)\.ts$/.test(name)) continue;
    const path = `${folder}/${name}`;
    all.push(...mutationsOf(path, await Deno.readTextFile(ROOT + path)));
  }
  const copy = await Deno.makeTempDir({ prefix: "lanes-mutate-" });
  try {
    await copyProject(copy);
    const startMs = performance.now();
    if (!await passes(copy, [tests], signal)) throw new Error(`${tests} fails without any change`);
    const timeoutMs = Math.max(LEAST_TIMEOUT_MS, TIMEOUT_FACTOR * (performance.now() - startMs));
    const chosen = shuffled(all, seededRandom(seed)).slice(0, count);
    let noticed = 0;
    for (const [at, { path, line, start, from }] of chosen.entries()) {
      const code = await Deno.readTextFile(ROOT + path);
      const to = OTHER.get(from)!;
      await Deno.writeTextFile(
        `${copy}/${path}`,
        code.slice(0, start) + to + code.slice(start + from.length),
      );
      const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      // The file's own tests run first, because they notice most changes.
      const own = (await testsOf(path)).filter((name) => name.startsWith(tests));
      const survived = (own.length === 0 || await passes(copy, own, either)) &&
        await passes(copy, [tests], either);
      await Deno.writeTextFile(`${copy}/${path}`, code);
      if (signal.aborted) break;
      if (!survived) noticed++;
      const what = `${path}:${line}: ${from} became ${to === "" ? "nothing" : to}`;
      if (survived) console.log(`not noticed  ${what}`);
      console.error(`${at + 1} of ${chosen.length}, ${noticed} noticed`);
    }
    console.log(`${noticed} of ${chosen.length} noticed by ${tests}`);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
  return 0;
});
