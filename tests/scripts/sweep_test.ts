import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import { sweepResultSchema } from "../../lib/scaling/sweep_result.ts";
import { turns } from "../conformance/gates.ts";
import { commandOf, mayRunScripts, ROOT, runTask, runTaskEach } from "./run_script.ts";

const ignore = !mayRunScripts;

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const resultIn = async (path: string) =>
  sweepResultSchema.parse(JSON.parse(await Deno.readTextFile(path)));

const NAP = `
export default async function (n) { await new Promise((done) => setTimeout(done, 2)); return n; }
export const items = [1, 2, 3, 4, 5, 6, 7, 8];
export const title = "nap";
`;

Deno.test({
  name: "deno task sweep io measures slots, draws the chart and writes every file asked for",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["io", "--slots", "1,2,4", "--rounds", "1", "--duration", "50ms", "--latency", "2ms",
        "--seed", "3", "--json", "io.json", "--csv", "io.csv", "--html", "io.html",
        "--markdown", "io.md"];
      const { code, stdout, stderr } = await runTask("sweep", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      assertMatch(stderr, /^download pages after 2 ms: 1 round of limited with 1, 2, 4 slots/);
      for (const words of ["items/s", "efficiency", "Amdahl's law", "Little's law", "seed 3"]) {
        assertStringIncludes(stdout.replaceAll(/\s+/g, " "), words);
      }
      // deno-lint-ignore no-control-regex
      assert(!/[\x1b\r]/.test(stdout), "nothing moves and nothing is coloured in a pipe");
      for (const line of stdout.split("\n")) {
        assert([...line].length <= 80 || line.startsWith("Wrote "), line);
      }
      const result = await resultIn(`${folder}/io.json`);
      assertEquals([result.axis, result.model], ["slots", "limited"]);
      assertEquals(result.points.map(({ size }) => size), [1, 2, 4], "these, and no others");
      // In 50 ms of cold code chance decides which is full first; capacity_test.ts tells the two apart.
      assert(["event loop", "cores"].includes(result.capacity!.by));
      assertEquals(result.capacity!.reached, false);
      for (const { rounds, latencyMs } of result.points) {
        for (const { succeeded, failed } of rounds) assert(succeeded > 0 && failed === 0);
        assert(latencyMs!.median >= 2, "the site takes 2 ms");
        assert(latencyMs!.p99 >= latencyMs!.p95 && latencyMs!.p95 >= latencyMs!.median);
      }
      assert(parse(await Deno.readTextFile(`${folder}/io.csv`)).length > 3);
      assertStringIncludes(await Deno.readTextFile(`${folder}/io.html`), "<svg");
      assertStringIncludes(await Deno.readTextFile(`${folder}/io.md`), "| slots | items/s |");
    }),
});

Deno.test({
  name: "deno task sweep cpu measures lanes",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["cpu", "--lanes", "1,2", "--rounds", "1", "--duration", "60ms", "--json", "cpu.json"];
      const { code, stderr } = await runTask("sweep", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      const { axis, model, points } = await resultIn(`${folder}/cpu.json`);
      assertEquals([axis, model], ["lanes", "workers"]);
      assertEquals(points.map(({ size, lanes, slots }) => [size, lanes, slots]), [[1, 1, 1], [
        2,
        2,
        1,
      ]]);
    }),
});

Deno.test({
  name: "deno task sweep io --rate tells both times of requests that come on schedule",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["io", "--rate", "40,400", "--slots", "1", "--latency", "10ms", "--rounds", "1",
        "--duration", "400ms", "--json", "open.json"];
      const { code, stdout, stderr } = await runTask("sweep", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "coordinated omission");
      const { openLoop } = await resultIn(`${folder}/open.json`);
      const [slow, fast] = openLoop;
      assertEquals([slow!.ratePerSecond, slow!.scheduled], [40, 16]);
      assertEquals([fast!.ratePerSecond, fast!.scheduled], [400, 160]);
      // One slot that takes 10 ms can't answer 400 requests a second on any machine.
      assertEquals(fast!.sustained, false);
      assert(fast!.corrected.median > fast!.naive.median);
      assert(fast!.backlogAtEnd > 100);
    }),
});

Deno.test({
  name: "deno task sweep sweeps a module of one's own, named from where one is",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/nap.js`, NAP);
      // deno-fmt-ignore
      const args = ["./nap.js", "--rounds", "1", "--items", "6", "--slots", "1,3", "--json", "nap.json"];
      const { code, stdout, stderr } = await runTask("sweep", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "nap: limited by slots");
      const { points } = await resultIn(`${folder}/nap.json`);
      assert(points.every(({ rounds }) => rounds.every(({ succeeded }) => succeeded === 6)));
    }),
});

Deno.test({
  name:
    "deno task sweep runs a sample of a module of which it knows nothing, and sweeps slots if it waits",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/nap.js`, NAP.replace(", 2)", ", 30)"));
      const args = ["nap.js", "--rounds", "1", "--json", "nap.json"];
      const { code, stderr } = await runTask("sweep", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "runs a few of its items one by one");
      const { axis, why } = await resultIn(`${folder}/nap.json`);
      assertEquals(axis, "slots");
      assertMatch(why!, /^it waits \d+% of the time/);
    }),
});

Deno.test({
  name: "deno task sweep gives a module the permissions asked for, and no others",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/secret.txt`, "secret");
      await Deno.writeTextFile(
        `${folder}/read.js`,
        `export default (path) => Deno.readTextFile(path);
         export const items = [${JSON.stringify(`${folder}/secret.txt`)}];`,
      );
      const args = ["read.js", "--slots", "1", "--rounds", "1"];
      const refused = await runTask("sweep", args, { cwd: folder });
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.stderr, "add --allow-read=");
      const given = await runTask("sweep", [...args, `--allow-read=${folder}`], { cwd: folder });
      assertEquals(given.code, 0, given.stdout + given.stderr);
    }),
});

const BAD: readonly [args: string[], line: string][] = [
  [["io", "--slots", "0"], '--slots "0": too small; give 1 or more'],
  [["io", "--slots", "-1"], '--slots "-1": not a positive whole number'],
  [["io", "--slots", "NaN"], '--slots "NaN": not a positive whole number'],
  [["io", "--slots", "2,2"], '--slots "2,2": "2" is there twice; name it once'],
  [["io", "--slots", "1,,2"], '--slots "1,,2": an entry is missing'],
  [["io", "--slots", [...Array(34).keys()].slice(1).join()], "33 numbers are too many to measure"],
  [["cpu", "--lanes", "1000"], '--lanes "1000": too large'],
  [["io", "--lanes", "2", "--model", "limited"], '--lanes "2": limited has one lane'],
  [["io", "--model", "worker"], '--model "worker": unknown; did you mean workers?'],
  [["cpu", "--rate", "5"], '--rate "5": cpu computes'],
  [["io", "--rate", "0"], '--rate "0": too small; give 0.1 or more'],
  [["io", "--rate", "99999", "--duration", "10m"], "requests a trial are too many"],
  [["io", "--rate", "9", "--slots", "1,2"], "with --rate it takes one number"],
  [["io", "--duration", "soon"], '--duration "soon": not a length of time'],
  [["io", "--items", "5"], '--items "5": not taken here'],
  [["io", "--json", "no/such/folder/x.json"], "its folder doesn't exist"],
  [["no_such_module.ts"], 'module "no_such_module.ts": there is no such file'],
  [["io", "--allow-net"], "--allow-net: not taken here"],
  [["cpu", "--export", "half"], '--export "half": not taken here'],
  [["io", "--rate", "9", "--refine"], "rates are taken as they are listed; leave it out"],
  [["io", "--slots", "5001"], '--slots "5001": too large'],
  [["cpu", "--lanes", "1.5"], '--lanes "1.5": not a positive whole number'],
  [["io", "--allow-fun"], "--allow-fun: not a permission"],
  [[], "missing required argument"],
  [["io", "cpu"], 'argument "cpu": not expected'],
];

Deno.test({ name: "deno task sweep answers bad input with one line and 2", ignore }, async (t) => {
  const many = Array.from({ length: 60 }, (_, i) => i + 1).join();
  const cases = [...BAD, [["io", "--slots", many], "60 numbers are too many"] as const];
  const runs = await runTaskEach("sweep", cases.map(([args]) => args));
  for (const [at, [args, line]] of cases.entries()) {
    await t.step(args.join(" ").slice(0, 60) || "nothing", () => {
      const { code, stdout, stderr } = runs[at]!;
      assertEquals([code, stdout], [2, ""], stderr);
      assertStringIncludes(stderr, line);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    });
  }
});

Deno.test({
  name:
    "deno task sweep keeps what was measured when interrupted, prints it as partial, ends with 130",
  ignore: ignore || Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const ran = `${folder}/ran`;
      const job = `export const items = [1, 2, 3];
        export default (n) => Deno.writeTextFileSync(${
        JSON.stringify(ran)
      }, "x", { append: true });`;
      await Deno.writeTextFile(`${folder}/job.js`, job);
      // The script runs directly with the task's flags: a signal to deno task's shell wouldn't reach it.
      const flags = commandOf("sweep").filter((word) => word.startsWith("--"));
      const child = new Deno.Command(Deno.execPath(), {
        // deno-fmt-ignore
        args: ["run", ...flags, `${ROOT}scripts/sweep.ts`, `${folder}/job.js`, "--slots", "1,2", "--rounds", "1000",
          `--allow-write=${folder}`, "--csv", `${folder}/live.csv`, "--json", `${folder}/part.json`],
        cwd: ROOT,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn();
      const reader = child.stderr.getReader();
      // The sample and the first trials are over by then; a thousand rounds take minutes.
      const count = () => Deno.stat(ran).then(({ size }) => size, () => 0);
      let hasEnded = false;
      void child.status.then(() => hasEnded = true);
      while (await count() < 24 && !hasEnded) await turns(5);
      child.kill("SIGINT");
      const said = (async () => {
        while (!(await reader.read()).done);
      })();
      const { code } = await child.status;
      const stdout = await new Response(child.stdout).text();
      await said;
      assertEquals(code, 130);
      assertStringIncludes(stdout, "Partial: the run was interrupted");
      assertEquals((await resultIn(`${folder}/part.json`)).partial, true);
    }),
});

Deno.test({
  name: "deno task sweep --help teaches slots, lanes, knee and coordinated omission",
  ignore,
  async fn() {
    const { code, stdout } = await runTask("sweep", ["--help"]);
    assertEquals(code, 0);
    for (
      const word of ["slot", "lane", "knee", "Amdahl", "Little", "coordinated omission", "--rate"]
    ) {
      assertStringIncludes(stdout, word);
    }
  },
});
