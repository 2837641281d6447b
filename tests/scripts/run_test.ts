import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import { hasAdapter } from "../gpu_adapter.ts";
import { USUAL_MODELS } from "../../lib/models.ts";
import { readResultFile, type ResultFile } from "../../lib/timing/result.ts";
import { livePulse, mayRunScripts, ROOT, runTask, startTask } from "./run_script.ts";
import { withDeadline } from "../with_deadline.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function resultIn(path: string): Promise<ResultFile> {
  return readResultFile(path);
}

Deno.test({
  name: "deno task io measures all models, which agree, and writes every file asked for",
  ignore: !mayRunScripts,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["--copies", "4", "--latency", "2ms", "--rounds", "2", "--seed", "7",
        "--json", "io.json", "--csv", "io.csv", "--markdown", "io.md", "--html", "io.html",
        "--trace", "io.trace.json"];
      const { code, stdout, stderr } = await runTask("io", args, { cwd: folder });
      assertEquals(stderr, `download 8 pages: 2 rounds of ${USUAL_MODELS.join(", ")} …\n`);
      assertEquals(code, 0);
      for (const model of USUAL_MODELS) assertStringIncludes(stdout, `\n${model} `);
      // The place of the line break depends on the length of the machine's name.
      assertStringIncludes(stdout.replaceAll(/\s+/g, " "), "seed 7");
      // deno-lint-ignore no-control-regex
      assert(!/[\x1b\r]/.test(stdout), "nothing moves and nothing is coloured in a pipe");

      const result = await resultIn(`${folder}/io.json`);
      const [comparison] = result.comparisons;
      assertEquals(comparison!.models.map(({ model }) => model), [...USUAL_MODELS]);
      assertEquals(comparison!.agree, true);
      const rounds = comparison!.models.flatMap((model) => model.rounds);
      assertEquals(
        rounds.map(({ succeeded, failed }) => [succeeded, failed]),
        rounds.map(() => [8, 0]),
      );
      assertEquals(new Set(rounds.map(({ checksum }) => checksum)).size, 1);
      assertEquals(parse(await Deno.readTextFile(`${folder}/io.csv`)).length, 11);
      assertStringIncludes(
        await Deno.readTextFile(`${folder}/io.md`),
        "| processes |",
      );
      assertStringIncludes(await Deno.readTextFile(`${folder}/io.html`), "<svg");
      const trace = JSON.parse(await Deno.readTextFile(`${folder}/io.trace.json`));
      const tasks = trace.traceEvents.filter((e: { cat: string; ph: string }) =>
        e.cat === "task" && e.ph === "X"
      );
      assertEquals(tasks.length, 8 * USUAL_MODELS.length);
    }),
});

Deno.test({
  name: "deno task io tells refused downloads with their reason, exits 1 and shows no stack trace",
  ignore: !mayRunScripts,
  async fn() {
    const args = ["--url", "http://127.0.0.1:1/", "--copies", "3", "--models", "concurrent"];
    const { code, stdout, stderr } = await runTask("io", args);
    assertEquals(code, 1);
    assertStringIncludes(stdout, "3 of 3 failed: 3 refused");
    assertStringIncludes(stderr, "3 refused");
    assert(!/^\s+at /m.test(stdout + stderr));
  },
});

Deno.test({
  name: "deno task io:web follows a redirect to another host, and deno task io says where it led",
  ignore: !mayRunScripts,
  async fn() {
    const serve = { hostname: "127.0.0.1", port: 0, onListen() {} };
    await using page = Deno.serve(serve, () => new Response("here"));
    const there = `http://127.0.0.1:${page.addr.port}/`;
    await using asked = Deno.serve(serve, () => Response.redirect(there));
    const args = [
      "--url",
      `http://127.0.0.1:${asked.addr.port}/`,
      "--copies",
      "2",
      "--rounds",
      "1",
    ];
    const models = ["--models", "concurrent,processes"];
    const web = await runTask("io:web", [...args, ...models]);
    assertEquals([web.code, web.stderr.split("\n").length], [0, 2], web.stderr);
    const { code, stdout, stderr } = await runTask("io", [...args, ...models]);
    assertEquals(code, 1);
    assertStringIncludes(stdout, "run deno task io:web");
    assertStringIncludes(stderr, `2 redirect not permitted`);
    assertStringIncludes(
      stderr,
      `it leads to ${new URL(there).host}, which the task may not reach`,
    );
  },
});

Deno.test({
  name: "deno task io counts the site's faults and still finds equal results",
  ignore: !mayRunScripts,
  fn: () =>
    withDeadline(2000, (timeoutMs) =>
      inFolder(async (folder) => {
        // deno-fmt-ignore
        const args = ["--copies", "10", "--latency", "1", "--faults", "30%", "--timeout", `${timeoutMs}ms`,
        "--models", "concurrent,limited", "--rounds", "1", "--seed", "3", "--json", "io.json"];
        const { code } = await runTask("io", args, { cwd: folder });
        assertEquals(code, 1);
        const { comparisons: [comparison] } = await resultIn(`${folder}/io.json`);
        const [concurrent, limited] = comparison!.models.map(({ rounds }) => rounds[0]!);
        assert(concurrent!.failed > 0);
        assertEquals(concurrent!.failed, limited!.failed);
        assertEquals(concurrent!.reasons, limited!.reasons);
      }), 10),
});

Deno.test({
  name: "deno task cpu computes exact sums of a given size alone, equal in all models",
  ignore: !mayRunScripts,
  fn: () =>
    inFolder(async (folder) => {
      const args = ["--start", "1000", "--count", "4", "--rounds", "1", "--json", "cpu.json"];
      const { code, stdout } = await runTask("cpu", args, { cwd: folder });
      assertEquals(code, 0);
      assertStringIncludes(stdout, "sum-squares from 1,000: 4 items");
      const { comparisons } = await resultIn(`${folder}/cpu.json`);
      assertEquals(comparisons.length, 1);
      assertEquals(comparisons[0]!.agree, true);
      assertEquals(comparisons[0]!.models.length, USUAL_MODELS.length);
    }),
});

Deno.test({
  name: "deno task cpu compares a GPU's results and speed, and says what the GPU is",
  ignore: !mayRunScripts || !hasAdapter,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["--start", "3000", "--count", "8", "--rounds", "1", "--json", "cpu.json",
        "--models", "sequential,workers,gpu", "--html", "cpu.html"];
      const { code, stdout, stderr } = await runTask("cpu", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "\ngpu ");
      assertStringIncludes(stdout.replaceAll(/\s+/g, " "), "gpu ran on ");
      const { comparisons: [comparison] } = await resultIn(`${folder}/cpu.json`);
      const { agree, models } = comparison!;
      assertEquals([agree, models.length, typeof models[2]!.device?.software], [
        true,
        3,
        "boolean",
      ]);
      const old = ["cpu.json", "cpu.json"];
      assertEquals((await runTask("compare", old, { cwd: folder })).code, 0);
    }),
});

Deno.test({
  name: "deno task cpu writes the Mandelbrot set as PNG",
  ignore: !mayRunScripts,
  fn: () =>
    inFolder(async (folder) => {
      // deno-fmt-ignore
      const args = ["--task", "mandelbrot", "--start", "30", "--count", "20", "--rounds", "1",
        "--models", "sequential,workers", "--out", "set.png"];
      const { code, stderr } = await runTask("cpu", args, { cwd: folder });
      assertEquals(code, 0, stderr);
      const png = await Deno.readFile(`${folder}/set.png`);
      assertEquals([...png.slice(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
      const header = new DataView(png.buffer, 16, 8);
      assertEquals([header.getUint32(0), header.getUint32(4)], [30, 20]);
    }),
});

Deno.test({
  name: "Ctrl-C keeps the rounds that ended, writes the files and says they are partial",
  ignore: !mayRunScripts || Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      let requests = 0;
      const measured = Promise.withResolvers<void>();
      await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
        // The first rounds are over by then; a thousand take minutes.
        if (++requests === 24) measured.resolve();
        return new Response("page");
      });
      // deno-fmt-ignore
      const args = ["run", "--allow-all", "--no-prompt", `${ROOT}scripts/io.ts`, "--copies", "2",
        "--url", `http://127.0.0.1:${site.addr.port}/`, "--rounds", "1000", "--models",
        "sequential,limited", "--json", `${folder}/io.json`];
      const child = new Deno.Command(Deno.execPath(), {
        args,
        cwd: ROOT,
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await Promise.race([measured.promise, child.status]);
      child.kill("SIGINT");
      const { code, stdout } = await child.output();
      assertEquals(code, 130);
      assertStringIncludes(new TextDecoder().decode(stdout), "(partial)");
      const result = await resultIn(`${folder}/io.json`);
      assertEquals(result.partial, true);
      for (const { rounds } of result.comparisons[0]!.models) assert(rounds.length < 1000);
    }),
});

Deno.test({
  name: "deno task cpu --task fib-async says what awaiting every call costs, and fib doesn't",
  ignore: !mayRunScripts,
  async fn() {
    const size = ["--start", "12", "--count", "2", "--rounds", "1", "--models", "sequential"];
    const awaited = await runTask("cpu", ["--task", "fib-async", ...size]);
    assertEquals(awaited.code, 0);
    assertStringIncludes(awaited.stdout, "fib-async(12), 2 times");
    assertStringIncludes(awaited.stdout.replaceAll(/\s+/g, " "), "Each await makes a promise");
    const plain = await runTask("cpu", ["--task", "fib", ...size]);
    assertEquals(plain.code, 0);
    assert(!plain.stdout.includes("await"));
  },
});

for (
  const [task, ...args] of [
    ["io", "--models", "limited,workers", "--copies", "40", "--lanes", "2"],
    ["cpu", "--models", "sequential,workers", "--start", "30000000", "--lanes", "2"],
  ] as const
) {
  Deno.test({
    name: `deno task ${task} --live shows every trial on a page while it is measured`,
    ignore: !mayRunScripts,
    async fn() {
      const rounds = ["--rounds", "100", "--live"];
      const child = startTask(task, [...args, ...rounds], { stdout: "null" });
      // A trial's first pulse may come before its items are counted.
      const pulse = await livePulse(child, ({ part, total }) => {
        return total !== null && part?.includes("workers") === true;
      });
      assertMatch(pulse.part!, /^(download|sum-squares).*: workers, trial \d+ of 200$/);
      assertEquals([pulse.lanes.length, pulse.slots, pulse.failed], [2, 1, 0]);
      assertEquals(pulse.total, task === "io" ? 80 : 20);
    },
  });
}
