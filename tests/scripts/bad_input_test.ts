import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mayRunScripts, runTask, runTaskEach, type ScriptRun } from "./run_script.ts";

/** Checks for one line on stderr that names option and value, nothing on stdout, and exit code 2. */
function assertUsageError({ code, stdout, stderr }: ScriptRun, ...parts: string[]): void {
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  for (const part of parts) assertStringIncludes(stderr, part);
  assert(!/^\s+at /m.test(stderr), stderr);
  assertEquals(stdout, "");
  assertEquals(code, 2);
}

const NUMBERS = ["five", "0", "-1", "1.5", "99999999999999999999"];

const JOB = "scripts/examples/too_small.ts";

/** The arguments that each script refuses, and the words that its one line must contain. */
const REFUSED: Readonly<Record<string, readonly (readonly [string[], ...string[]])[]>> = {
  io: [
    ...["slots", "lanes", "rounds", "copies"].flatMap((option) =>
      NUMBERS.map((value): [string[], ...string[]] => [
        [`--${option}=${value}`],
        `--${option}`,
        `"${value}"`,
      ])
    ),
    [["--models=threads"], "--models", "threads", "workers"],
    [["--models=limited,gpu"], "--models", "gpu only computes", "leave gpu out"],
    [["--latency=soon"], "--latency", "soon"],
    [["--timeout=0"], "--timeout", "0"],
    [["--faults=2"], "--faults", "2"],
    [["--size=-1"], "--size", "-1"],
    [["--url=not a url"], "--url", "not a url"],
    [["--url=file:///etc/passwd"], "--url", "file:"],
    [["--url=https://example.org/"], "--url", "example.org", "deno task io:web"],
    [["--urls=/no/such/list"], "--urls", "/no/such/list"],
    [["--json=/no/such/folder/io.json"], "--json", "/no/such/folder", "folder"],
    [["--html=/"], "--html"],
    [["--baseline=/no/such/io.json"], "--baseline", "/no/such/io.json"],
    [["--max-slowdown=much"], "--max-slowdown", "much"],
    [["--latency=5", "--url=http://127.0.0.1:1/"], "--latency", "--url"],
    [["--threads=5"], "--threads"],
    [["extra"], "argument"],
  ],
  cpu: [
    ...["start", "count"].flatMap((option) =>
      NUMBERS.map((value): [string[], ...string[]] => [
        [`--${option}=${value}`],
        `--${option}`,
        `"${value}"`,
      ])
    ),
    [["--start=9000000000"], "--start", "9000000000", "exact"],
    [["--task=fibonacci"], "--task", "fibonacci", "primes"],
    [["--task=fib", "--models=gpu"], "--models", "fib has no kernel", "sha256"],
    [["--out=set.png"], "--out", "mandelbrot"],
    [["--task=mandelbrot", "--out=/no/such/folder/set.png"], "--out", "folder"],
    [["--csv=/no/such/folder/cpu.csv"], "--csv", "folder"],
  ],
  run: [
    [[], "argument"],
    ...["items", "slots", "lanes"].flatMap((option) =>
      NUMBERS.map((value): [string[], ...string[]] => [
        [JOB, `--${option}=${value}`],
        `--${option}`,
        `"${value}"`,
      ])
    ),
    [["/no/such/job.ts"], "/no/such/job.ts"],
    [["https://example.org/job.ts"], "https://example.org/job.ts"],
    [[JOB, "--model=threads"], "--model", "threads", "workers"],
    [[JOB, "--model=sequential", "--slots=2"], "--slots", "sequential"],
    [[JOB, "--model=gpu"], "--model", "gpu", "no kernel", "export one as kernel"],
    [
      [JOB, "--model=cluster", "--servers=nats://127.0.0.1:1"],
      "--servers",
      "no NATS server answers there",
    ],
    [[JOB, "--rate=0/s"], "--rate", "0/s"],
    [[JOB, "--rate=0"], "--rate", "20/s"],
    [[JOB, "--rate=fast"], "--rate", "fast"],
    [[JOB, "--per-host=0"], "--per-host", "0"],
    [[JOB, "--halt=0"], "--halt", "0"],
    [[JOB, "--halt=0%"], "--halt", "0%"],
    [[JOB, "--halt=120%"], "--halt", "120%"],
    [[JOB, "--timeout=0"], "--timeout", "0"],
    [[JOB, "--timeout=5"], "--timeout", "5", "no unit", "10s"],
    [[JOB, "--retries=-1"], "--retries", "-1"],
    [[JOB, "--order=random"], "--order", "random"],
    [[JOB, "--resume"], "--resume", "--out"],
    [[JOB, "--retry-failed"], "--retry-failed", "--out"],
    [[JOB, "--changed=match"], "--changed", "--resume"],
    [[JOB, "--fsync=always"], "--fsync", "--out"],
    [[JOB, "--out=a.jsonl", "--fsync=often"], "--fsync", "often"],
    [[JOB, "--lines=json"], "--lines", "--from"],
    [[JOB, "--out=/no/such/folder/out.jsonl"], "--out", "folder"],
    [[JOB, "--out=/dev/null"], "--out", "/dev/null"],
    [[JOB, "--json=/no/such/folder/run.json"], "--json", "folder"],
    [[JOB, "--advice=deno.json"], "--advice", "deno.json"],
    [[JOB, "--model=auto", "--start=deno.json"], "--start", "deno.json"],
    [[JOB, "--model=workers", "--start=deno.json"], "--start", "--model auto"],
    [[JOB, "--allow-everything"], "--allow-everything"],
    [[JOB, "--allow-read= "], "--allow-read", "empty entry"],
    [[JOB, "--allow-net=example.org:99999"], "--allow-net", "invalid port"],
    [[JOB, "--allow-net=example.org/page"], "--allow-net", "invalid host"],
    [[JOB, "--allow-env=A=B"], "--allow-env", "A=B", "no name of a variable"],
    [[JOB, "--allow-sys=cpu"], "--allow-sys", "unknown system info kind"],
    [[JOB, "--threads=5"], "--threads"],
  ],
  lane: [
    ...[["", "no name"], ["\u200e ", "no name"], ["x".repeat(65), "too long; give 64 characters"]]
      .map((
        [name, problem],
      ): [string[], ...string[]] => [
        ["--servers=nats://127.0.0.1:1", "--allow-module=.", `--name=${name}`],
        "--name",
        problem!,
      ]),
    ...[["--lanes=2"], ["--allow-module=."], ["--allow-net"]].map((
      more,
    ): [string[], ...string[]] => [
      ["--servers=nats://127.0.0.1:1", "--list", ...more],
      more[0]!.split("=")[0]!,
      "nothing is run with --list",
    ]),
  ],
  advise: [
    [[JOB, "--dry", "--json=advice.json"], "--json", "no advice with --dry"],
  ],
  lesson: [
    [["--language=fr"], "--language", "fr", "ko"],
    [["--rounds=0"], "--rounds", "0"],
    [["--html=/no/such/folder/lesson.html"], "--html", "folder"],
    [["extra"], "argument"],
  ],
  report: [
    [[], "argument"],
    [["/no/such/result.json"], "/no/such/result.json"],
    [["deno.json"], "deno.json"],
    [["README.md"], "README.md"],
    [["-", "-"], "result.json", "which is read"],
  ],
  compare: [
    [["-", "-"], "new.json", "the same file as old.json, which is read"],
    [[], "argument"],
    [["/no/such/old.json", "/no/such/new.json"], "/no/such/old.json"],
    [["deno.json", "deno.json"], "deno.json"],
  ],
};

for (const [task, refused] of Object.entries(REFUSED)) {
  Deno.test({
    name: `deno task ${task} refuses bad input in one line that names it`,
    ignore: !mayRunScripts,
    async fn(t) {
      const runs = await runTaskEach(task, refused.map(([args]) => args));
      for (const [at, [args, ...parts]] of refused.entries()) {
        await t.step(args.join(" ") || "nothing", () => assertUsageError(runs[at]!, ...parts));
      }
      // The first case also runs by `deno task`, as people type it.
      const [args, ...parts] = refused[0]!;
      assertUsageError(await runTask(task, args, { byTask: true }), ...parts);
    },
  });

  Deno.test({
    name: `deno task ${task} --help teaches with an example`,
    ignore: !mayRunScripts,
    async fn() {
      const { code, stdout, stderr } = await runTask(task, ["--help"], { byTask: true });
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, "Examples:");
      assertStringIncludes(stdout, `deno task ${task} `);
    },
  });
}

Deno.test({
  name: "a folder to be called from that isn't there is refused",
  ignore: !mayRunScripts,
  async fn() {
    const run = await runTask("cpu", [], { cwd: "/no/such/folder" });
    assertUsageError(run, 'INIT_CWD "/no/such/folder": there is no such folder');
  },
});

Deno.test({
  name: "an address list without an address is refused",
  ignore: !mayRunScripts,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/list.txt`, "# nothing yet\n");
      // The script runs from that folder, because file names are relative to the user's folder.
      const run = await runTask("io", ["--urls", "list.txt"], { cwd: folder });
      assertUsageError(run, "--urls", "list.txt", "no address");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
