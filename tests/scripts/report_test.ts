import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { edited, faultsOf } from "../json_schemas.ts";
import { mayRunScripts, runTask, runTaskEach, startTask } from "./run_script.ts";
import { withDeadline } from "../with_deadline.ts";

const ignore = !mayRunScripts;

/** The kinds of files that take seconds to measure; a race takes minutes. */
type MeasuredName = "result" | "advice" | "sweep";

const NAP = `
export default async function (n) { await new Promise((done) => setTimeout(done, 5)); return n; }
export const items = Array.from({ length: 12 }, (_, i) => i);
export const title = "nap";
`;

/** The files that the scripts wrote, measured once for all tests of this file. */
interface Written {
  readonly folder: string;
  readonly texts: Readonly<Record<MeasuredName, string>>;
}

/** Measures a little with each script, as people do, and returns the files that it wrote. */
async function write(folder: string): Promise<Written> {
  await Deno.writeTextFile(`${folder}/nap.js`, NAP);
  // deno-fmt-ignore
  const runs: Readonly<Record<MeasuredName, readonly [string, ...string[]]>> = {
    result: ["cpu", "--start", "1000", "--count", "4", "--rounds", "2"],
    advice: ["advise", "nap.js"],
    sweep: ["sweep", "nap.js", "--rounds", "1", "--slots", "1,2,4"],
  };
  // Their figures don't matter here, so they are measured at the same time.
  const texts = await Promise.all(
    Object.entries(runs).map(async ([name, [task, ...args]]) => {
      await withDeadline(6000, async (budgetMs) => {
        const budget = name === "advice" ? ["--budget", `${budgetMs}ms`] : [];
        const all = [...args, ...budget, "--json", `${name}.json`];
        const { code, stderr } = await runTask(task, all, { cwd: folder });
        assertEquals(code, 0, stderr);
      }, 10);
      return [name, await Deno.readTextFile(`${folder}/${name}.json`)];
    }),
  );
  return { folder, texts: Object.fromEntries(texts) };
}

Deno.test({
  name: "files that scripts write hold to their JSON Schemas, and deno task report takes them all",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir();
    try {
      const { texts } = await write(folder);
      const report = (...args: string[]) => runTask("report", args, { cwd: folder });
      const refuse = async (cases: readonly (readonly [string[], ...string[]])[]) => {
        const runs = await runTaskEach("report", cases.map(([args]) => args), folder);
        for (const [at, [_, ...parts]] of cases.entries()) {
          const { code, stdout, stderr } = runs[at]!;
          assertEquals([code, stdout], [2, ""], stderr);
          assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
          for (const part of parts) assertStringIncludes(stderr, part);
        }
      };

      await t.step("a validator finds nothing wrong with them", () => {
        for (const name of ["result", "advice", "sweep"] as const) {
          const kind = name === "result" ? "comparison" : name;
          assertEquals(faultsOf(kind, texts[name]), []);
          const gone = edited(texts[name], ["environment", "deno"], undefined);
          assert(faultsOf(kind, gone).length > 0);
        }
        const wrong = edited(texts.advice, ["advice", "sample", "wallMs"], "long");
        assert(faultsOf("advice", wrong).length > 0);
      });

      await t.step("each is printed as its own script prints it", async () => {
        for (
          const [name, words] of [["result", "speedup"], ["advice", "Recommended: "], [
            "sweep",
            "Little's law",
          ]] as const
        ) {
          const { code, stdout, stderr } = await report(`${name}.json`);
          assertEquals([code, stderr], [0, ""]);
          assertStringIncludes(stdout, words);
        }
      });

      await t.step("several explain once what their figures mean", async () => {
        const { stdout } = await report("result.json", "sweep.json", "result.json", "sweep.json");
        for (const words of ["Slots are concurrency: one", "Efficiency is throughput"]) {
          assertEquals(stdout.replaceAll(/\s+/g, " ").split(words).length, 2, stdout);
        }
      });

      await t.step("all go into one page and one text, in any order", async () => {
        // deno-fmt-ignore
        const args = ["sweep.json", "result.json", "advice.json", "advice.json",
          "--html", "all.html", "--markdown", "all.md"];
        const { code, stdout, stderr } = await report(...args);
        assertEquals([code, stderr], [0, ""]);
        assertStringIncludes(stdout, `Wrote ${folder}/all.html`);
        const page = await Deno.readTextFile(`${folder}/all.html`);
        assertStringIncludes(page, "1 job compared, 2 advised on, 1 scaled");
        const places = [
          'id="c0"',
          'id="advice"',
          'id="advice-2"',
          'id="sweep"',
          'id="environment"',
        ];
        const found = places.map((place) => page.indexOf(place));
        assertEquals(found.toSorted((a, b) => a - b), found);
        assert(!found.includes(-1));
        const markdown = await Deno.readTextFile(`${folder}/all.md`);
        assertEquals(markdown.match(/^### /gm)?.length, 4);
      });

      await t.step("tables and traces are made of what has them", async () => {
        const made = await report("result.json", "--csv", "a.csv", "--trace", "a.trace.json");
        assertEquals([made.code, made.stderr], [0, ""]);
        assertEquals((await report("sweep.json", "--csv", "b.csv")).code, 0);
        assertStringIncludes(await Deno.readTextFile(`${folder}/b.csv`), "throughputPerSecond");
        await refuse([
          [["advice.json", "--csv", "c.csv"], "--csv", "advice", "--markdown"],
          [["advice.json", "--trace", "c.json"], "--trace", "advice"],
          [["result.json", "sweep.json", "--trace", "c.json"], "--trace", "sweep"],
          [["result.json", "sweep.json", "--csv", "c.csv"], "--csv", "one sweep at a time"],
          [["sweep.json", "sweep.json", "--csv", "c.csv"], "--csv", "one sweep at a time"],
        ]);
      });

      await t.step("what is no file of ours is refused in one line that names it", async () => {
        const bad: Readonly<Record<string, [text: string, said: string]>> = {
          "empty.json": ["", "it is empty"],
          "cut.json": [texts.advice.slice(0, 900), "truncated"],
          "later.json": [edited(texts.sweep, ["schemaVersion"], 2), "schema version 2"],
          "song.json": [edited(texts.sweep, ["kind"], "song"), 'its kind is "song"'],
          "foreign.json": ['{"name": "left-pad"}', "no schemaVersion"],
          "edited.json": [edited(texts.advice, ["advice", "code"], 5), "advice.code is wrong"],
        };
        for (const [name, [text]] of Object.entries(bad)) {
          await Deno.writeTextFile(`${folder}/${name}`, text);
        }
        await refuse(
          Object.entries(bad).map(([name, [_, said]]) => [
            ["result.json", name, "--html", "x.html"],
            ...[name, said, "; "],
          ]),
        );
        const compared = await runTask("compare", ["result.json", "sweep.json"], { cwd: folder });
        assertEquals(compared.code, 2);
        assertStringIncludes(
          compared.stderr,
          'its kind is "sweep"; name a file that io or cpu wrote',
        );
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A job that makes a folder at the file's path after the path was checked. */
const TAKES_THE_PLACE = `
export default async function (n) {
  await new Promise((done) => setTimeout(done, 5));
  try { Deno.mkdirSync("FOLDER/taken.json"); } catch { /* it has been there for a while */ }
  return n;
}
export const items = Array.from({ length: 12 }, (_, i) => i);
`;

Deno.test({
  name: "what advise measured is kept when it can't be written where it should",
  ignore,
  fn: () =>
    withDeadline(6000, async (budgetMs) => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/job.js`, TAKES_THE_PLACE.replace("FOLDER", folder));
        const granted = `--allow-write=${folder}`;
        const { code, stderr } = await runTask(
          "advise",
          ["job.js", granted, "--budget", `${budgetMs}ms`, "--json", "taken.json"],
          { cwd: folder },
        );
        assertEquals(code, 1, stderr);
        const [, beside] = /--json could not be written: .*; it is in (\S+)/.exec(stderr) ?? [];
        assert(beside !== undefined, stderr);
        assertEquals(faultsOf("advice", await Deno.readTextFile(beside)), []);
        await Deno.remove(beside);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }, 10),
});

Deno.test({
  name: "a pipe that says nothing is no longer read at the first signal",
  ignore: !mayRunScripts || Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const pipe = `${folder}/pipe`;
      await new Deno.Command("mkfifo", { args: [pipe] }).output();
      const commands: [string, string[]][] = [
        ["report", [pipe]],
        ["compare", [pipe, pipe]],
        ["io", ["--baseline", pipe]],
        ["io", ["--urls", pipe]],
      ];
      for (const [task, args] of commands) {
        const child = startTask(task, args);
        // This open resolves once the script has opened the other end.
        using _ = await Deno.open(pipe, { write: true });
        child.kill("SIGTERM");
        const { code, stdout } = await child.output();
        assertEquals([code, stdout.length], [130, 0], task);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
