import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PAGE_TIMEOUT_MS, SITE_DEFAULTS } from "../../lib/site/site_options.ts";
import type { ResultFile } from "../../lib/timing/result.ts";
import { hostileResult, ioComparison, resultOf } from "../report/fixture.ts";
import { mayRunScripts, runTask, startTask } from "./run_script.ts";

async function withFiles(
  files: Record<string, string>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same measurements with every time multiplied. */
function scaled(factor: number): ResultFile {
  const comparison = ioComparison();
  const models = comparison.models.map((model) => ({
    ...model,
    rounds: model.rounds.map((round) => ({ ...round, wallMs: round.wallMs * factor })),
  }));
  return resultOf({ ...comparison, models });
}

/** The same measurements with the options that `deno task io` has by default. */
function ofTheSite(): ResultFile {
  const { comparisons: [comparison] } = scaled(1);
  const { latencyMs: _, port: __, seed: ___, ...site } = SITE_DEFAULTS;
  const options = {
    ...{ from: "test site", copies: 80, timeoutMs: PAGE_TIMEOUT_MS },
    ...{ ...site, latencyMs: 20 },
  };
  return resultOf({ ...comparison!, job: { ...comparison!.job, options } });
}

const FILES = {
  "old.json": JSON.stringify(scaled(1)),
  "same.json": JSON.stringify(scaled(1.001)),
  "slow.json": JSON.stringify(scaled(1.5)),
  "hostile.json": JSON.stringify(hostileResult()),
  "truncated.json": JSON.stringify(scaled(1)).slice(0, 5000),
  "later.json": JSON.stringify({ ...scaled(1), schemaVersion: 2 }),
  "nonsense.json": JSON.stringify({ ...scaled(1), comparisons: [{ job: 7 }] }),
};

Deno.test({
  name: "deno task compare exits 3 when slower than allowed, and 0 otherwise",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles(FILES, async (cwd) => {
      const same = await runTask("compare", ["old.json", "same.json"], { cwd });
      assertEquals([same.code, same.stderr], [0, ""]);
      assertStringIncludes(same.stdout, "Nothing is detectably slower than the 10% allowed.");
      const slow = await runTask("compare", ["old.json", "slow.json"], { cwd });
      assertEquals([slow.code, slow.stderr], [3, ""]);
      assertStringIncludes(slow.stdout, "sequential by 50%");
      const allowed = ["old.json", "slow.json", "--max-slowdown", "60%"];
      assertEquals((await runTask("compare", allowed, { cwd })).code, 0);
    }),
});

Deno.test({
  name: "deno task compare judges no jobs of unlike options, and names these in one line",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles({ ...FILES, "site.json": JSON.stringify(ofTheSite()) }, async (cwd) => {
      const { code, stdout, stderr } = await runTask("compare", ["old.json", "site.json"], { cwd });
      assertEquals([code, stdout], [2, ""], stderr);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      assertStringIncludes(stderr, 'options differ: from (unset then, "test site" now)');
    }),
});

Deno.test({
  name: "a result file may come from standard input",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles(FILES, async (cwd) => {
      const piped = async (args: string[]) => {
        const child = startTask("compare", args, { cwd, stdin: "piped" });
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(FILES["slow.json"]));
        await writer.close();
        const { code, stdout, stderr } = await child.output();
        return {
          code,
          stdout: new TextDecoder().decode(stdout),
          stderr: new TextDecoder().decode(stderr),
        };
      };
      const slow = await piped(["old.json", "-", "--max-slowdown", "40%"]);
      assertEquals([slow.code, slow.stderr], [3, ""]);
      assertStringIncludes(slow.stdout, "sequential by 50%");
      assertEquals((await piped(["old.json", "/dev/stdin", "--max-slowdown", "150%"])).code, 0);
    }),
});

Deno.test({
  name: "deno task report prints a result file again and writes its other formats",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles(FILES, async (cwd) => {
      for (const name of ["old.json", "hostile.json"]) {
        const args = [name, "--csv", "a.csv", "--markdown", "a.md", "--html", "a.html"];
        const { code, stdout, stderr } = await runTask("report", args, { cwd });
        assertEquals([code, stderr], [0, ""]);
        assertStringIncludes(stdout, "speedup");
        // deno-lint-ignore no-control-regex
        assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(stdout), "nothing obeys to a terminal");
        for (const written of ["a.csv", "a.md", "a.html"]) {
          assert((await Deno.stat(`${cwd}/${written}`)).size > 500);
        }
      }
    }),
});

Deno.test({
  name: "result files that are truncated, of another version or nonsense are refused in one line",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles(FILES, async (cwd) => {
      for (const name of ["truncated.json", "later.json", "nonsense.json"]) {
        for (const [task, args] of [["report", [name]], ["compare", ["old.json", name]]] as const) {
          const { code, stdout, stderr } = await runTask(task, args, { cwd });
          assertEquals([code, stdout], [2, ""], stderr);
          assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
          assertStringIncludes(stderr, name);
        }
      }
    }),
});

Deno.test({
  name: "deno task cpu --baseline measures the sizes of the baseline and exits 3 when slower",
  ignore: !mayRunScripts,
  fn: () =>
    withFiles({}, async (cwd) => {
      // deno-fmt-ignore
      const args = ["--start", "1000", "--count", "4", "--rounds", "3",
        "--models", "sequential,limited"];
      const first = await runTask("cpu", [...args, "--json", "cpu.json"], { cwd });
      assertEquals(first.code, 0, first.stderr);
      const before: ResultFile = JSON.parse(await Deno.readTextFile(`${cwd}/cpu.json`));
      // No machine can keep this baseline, whatever the noise: its times are a millionth of those measured.
      for (const { rounds } of before.comparisons[0]!.models) {
        for (const round of rounds) round.wallMs /= 1e6;
      }
      await Deno.writeTextFile(`${cwd}/fast.json`, JSON.stringify(before));
      const { code, stdout } = await runTask("cpu", [...args, "--baseline", "fast.json"], { cwd });
      assertStringIncludes(stdout, "Compared with the baseline:");
      assertEquals(code, 3, stdout);
    }),
});

Deno.test({
  name: "a run that is interrupted before anything was measured says nothing of its baseline",
  ignore: !mayRunScripts || Deno.build.os === "windows",
  fn: () =>
    withFiles({ "old.json": JSON.stringify(ofTheSite()) }, async (cwd) => {
      const args = ["--baseline", "old.json", "--models", "sequential", "--rounds", "1"];
      const child = startTask("io", args, { cwd });
      const printed = new Response(child.stdout).text();
      let said = "";
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        if (said === "") child.kill("SIGINT");
        said += text;
      }
      assertEquals((await child.status).code, 130);
      assert(!said.includes("in common"), said);
      assert(!(await printed).includes("Compared with the baseline"));
    }),
});
