import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RunFile } from "../../lib/running/run_result.ts";
import { gone } from "../conformance/children.ts";
import { eventually } from "../conformance/gates.ts";
import { hasProgram } from "../granted.ts";
import { WIPED } from "../../lib/progress/progress.ts";
import { shellWord } from "../../lib/text/plain.ts";
import {
  commandOf,
  livePulse,
  mayRunScripts,
  readUntil,
  ROOT,
  runTask,
  runTaskEach,
  type ScriptRun,
  startTask,
} from "./run_script.ts";

const ignore = !mayRunScripts;

/** A job in which every seventh item fails until there is a file `mended`. */
const JOB = `
export const title = "twenty numbers";
export const items = Array.from({ length: 20 }, (_, n) => n);
export default function (n, { index }) {
  let mended = false;
  try {
    Deno.statSync("mended");
    mended = true;
  } catch {}
  if (n % 7 === 6 && !mended) throw Object.assign(new Error("HTTP 500 for " + n), { status: 500 });
  return { n, index };
}
`;

async function inFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Line {
  readonly index: number;
  readonly value: unknown;
}

const linesIn = (text: string): Line[] =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
const valuesIn = async (path: string) =>
  linesIn(await Deno.readTextFile(path)).sort((a, b) => a.index - b.index).map(({ value }) =>
    value
  );

function test(
  name: string,
  files: Readonly<Record<string, string>>,
  fn: (folder: string) => Promise<void>,
  possible = true,
): void {
  Deno.test({ name, ignore: ignore || !possible, fn: () => inFolder(files, fn) });
}

test("deno task run writes results and failures, and runs again what failed and nothing else", {
  "job.js": JOB,
}, async (folder) => {
  const args = ["job.js", "--allow-read", "--out", "out.jsonl", "--failed", "failed.jsonl"];
  // deno-fmt-ignore
  const written = ["--json", "run.json", "--html", "run.html", "--markdown", "run.md", "--trace", "run.trace"];
  const first = await runTask("run", [...args, ...written], { cwd: folder });
  assertEquals(first.code, 1, first.stderr);
  assertStringIncludes(first.stdout, "twenty numbers: 20 items");
  assertStringIncludes(first.stdout, "18 succeeded, 2 failed");
  assertStringIncludes(first.stdout, "HTTP 500");
  assertMatch(
    first.stderr,
    /try those that failed again with: deno task run job\.js .*--retry-failed/,
  );
  // deno-lint-ignore no-control-regex
  assert(!/[\x1b\r]/.test(first.stdout + first.stderr));
  const { run }: RunFile = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
  assertEquals([run.ended, run.succeeded, run.failed, run.total], ["done", 18, 2, 20]);
  assertEquals(run.timeline!.index.length, 20);
  assertStringIncludes(await Deno.readTextFile(`${folder}/run.html`), "<svg");
  assertStringIncludes(await Deno.readTextFile(`${folder}/run.md`), "- 2 × HTTP 500, first item 6");
  const { traceEvents } = JSON.parse(await Deno.readTextFile(`${folder}/run.trace`));
  assertEquals(traceEvents.filter(({ ph }: { ph: string }) => ph === "X").length >= 20, true);
  const report = await runTask("report", ["run.json"], { cwd: folder });
  assertStringIncludes(report.stdout, "18 succeeded, 2 failed");
  const failed = linesIn(await Deno.readTextFile(`${folder}/failed.jsonl`));
  assertEquals(failed.map(({ index }) => index).sort((a, b) => a - b), [6, 13]);

  const again = await runTask("run", [...args, "--resume"], { cwd: folder });
  assertEquals(again.code, 1, "those that failed are still missing");
  assertStringIncludes(again.stdout, "0 items");

  await Deno.writeTextFile(`${folder}/mended`, "");
  const mended = await runTask("run", [...args, "--retry-failed"], { cwd: folder });
  assertEquals(mended.code, 0, mended.stderr);
  assertStringIncludes(mended.stdout, "2 items");
  const values = Array.from({ length: 20 }, (_, n) => ({ n, index: n }));
  assertEquals(await valuesIn(`${folder}/out.jsonl`), values, "the index is that of the list");
  assertEquals(await Deno.readTextFile(`${folder}/failed.jsonl`), "");

  // An item that had failed before its result was torn is still one of those that failed.
  const out = `${folder}/out.jsonl`;
  await Deno.truncate(out, (await Deno.stat(out)).size - 3);
  const torn = await runTask("run", [...args, "--resume"], { cwd: folder });
  assertMatch(torn.stderr, /cut off a torn line of \d+ bytes, whose item counts as not done/);
  assertStringIncludes(torn.stdout, "19 were done and 1 had failed before");
});

test("what tasks print without an end of its line has one before the summary", {
  "job.js": `export const items = [1];
    export default () => void Deno.stderr.writeSync(new TextEncoder().encode("no end"));`,
}, async (folder) => {
  const { stderr } = await runTask("run", ["job.js"], { cwd: folder });
  assertStringIncludes(stderr, "no end\njob.js: 1 item");
});

test("a run whose --failed can't be written in the end tells all the same what became of it", {
  "job.js": `export const items = ["a", "b"];
    const sizeOf = (path) => Deno.statSync(path).size;
    let size;
    export default async (item) => {
      const isOnce = sizeOf("once") === 0;
      size ??= sizeOf("sub/failed.jsonl");
      if (isOnce || item === "a") throw new Error("never");
      while (sizeOf("sub/failed.jsonl") === size) await new Promise((turn) => setTimeout(turn));
      Deno.removeSync("sub", { recursive: true });
    };`,
  "once": "",
}, async (folder) => {
  await Deno.mkdir(`${folder}/sub`);
  // deno-fmt-ignore
  const args = ["job.js", "--allow-read", "--allow-write", "--model", "sequential", "--out", "out.jsonl",
    "--failed", "sub/failed.jsonl"];
  assertEquals((await runTask("run", args, { cwd: folder })).code, 1);
  await Deno.writeTextFile(`${folder}/once`, "no more");
  const { code, stdout, stderr } = await runTask("run", [
    ...args,
    "--retry-failed",
    "--json",
    "run.json",
  ], {
    cwd: folder,
  });
  assertEquals(code, 1);
  assertStringIncludes(stdout, "job.js: 2 items");
  assertStringIncludes(stderr, "run: --failed can't be written (");
  const { run }: RunFile = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
  assertEquals([run.ended, run.failed], ["failed", 1]);
});

test("results go to standard output without --out, and all else to standard error", {
  "job.js": JOB,
}, async (folder) => {
  const { stdout, stderr } = await runTask("run", ["job.js", "--allow-read", "--order", "input"], {
    cwd: folder,
  });
  assertEquals(
    linesIn(stdout).map(({ index }) => index),
    Array(20).keys().toArray().filter((n) => n % 7 !== 6),
  );
  assertStringIncludes(stderr, "18 succeeded, 2 failed");
});

for (const model of ["sequential", "concurrent", "workers", "processes"]) {
  test(`deno task run runs under ${model}, and shows what tasks print`, {
    "task.js": `export default (text) => { console.log("seen " + text); return text.length; };`,
    "list.txt": "a\nbb\n\nccc",
  }, async (folder) => {
    // deno-fmt-ignore
    const args = ["task.js", "--from", "list.txt", "--model", model, "--order", "input", "--items", "9",
      "--json", "run.json"];
    const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
    assertEquals(code, 0, stderr);
    const { run }: RunFile = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
    assertEquals(run.total, 3, "so many there are, however many may be");
    assertEquals(linesIn(stdout).map(({ value }) => value), [1, 2, 3]);
    for (const text of ["a", "bb", "ccc"]) assertStringIncludes(stderr, `seen ${text}\n`);
  });
}

test(
  "a job's package.json and tsconfig.json count without node_modules, wherever the run is started",
  {
    "package.json":
      `{ "name": "own", "imports": { "#q": "./q.js" }, "exports": { "./q": "./q.js" } }`,
    "tsconfig.json": `{ "compilerOptions": { "strict": false } }`,
    "q.js": "export const q = 3;",
    "job.ts": `import { q } from "#q";
import { q as same } from "own/q";
export const items = [1, 2];
export default (n) => n * q * same;`,
  },
  async (folder) => {
    const runs = ["limited", "workers", "processes"].map((model) =>
      runTask("run", [`${folder}/job.ts`, "--model", model, "--order", "input"])
    );
    for (const { code, stdout, stderr } of await Promise.all(runs)) {
      assertEquals(code, 0, stderr);
      assertEquals(linesIn(stdout).map(({ value }) => value), [9, 18]);
    }
    const advice = await runTask("advise", [`${folder}/job.ts`, "--dry"]);
    assertEquals(advice.code, 0, advice.stderr);
  },
);

test("items come from lines of JSON on standard input", {
  "task.js": "export default ({ n }) => n * n;",
}, async (folder) => {
  const args = ["task.js", "--from", "-", "--lines", "json"];
  const child = startTask("run", args, { cwd: folder, stdin: "piped" });
  const writer = child.stdin.getWriter();
  for (const n of [1, 2, 3]) await writer.write(new TextEncoder().encode(`{"n":${n}}\n`));
  await writer.write(new TextEncoder().encode("{"));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const values = linesIn(new TextDecoder().decode(stdout)).map(({ value }) => value);
  assertEquals(values.sort(), [1, 4, 9], "what came before the wrong line is run");
  assertMatch(new TextDecoder().decode(stderr), /run: --from -, line 4,.*not JSON/);
  assertEquals(code, 2);
});

test("Ctrl-C finishes what runs, and the line that is printed goes on", {
  "job.js": `
export const items = Array.from({ length: 400 }, (_, n) => n);
// Most of the items take so long until the test writes the file \`go\` that the signal comes before their end.
export default async (n) => {
  const isQuick = n < 20 || await Deno.stat("go").then(() => true, () => false);
  return await new Promise((done) => setTimeout(done, isQuick ? 1 : 1000, n));
};
`,
}, async (folder) => {
  const args = ["job.js", "--slots", "5", "--allow-read", "--out", "out.jsonl"];
  const child = startTask("run", args, { cwd: folder });
  const size = () => Deno.stat(`${folder}/out.jsonl`).then(({ size }) => size, () => 0);
  await eventually(async () => await size() > 0, "a result is written");
  child.kill("SIGINT");
  const { code, stderr } = await child.output();
  assertEquals(code, 130);
  const line = /go on with: deno task run (.*)/.exec(new TextDecoder().decode(stderr))![1]!;
  assertEquals(line, `${args.join(" ")} --resume`);
  const before = (await valuesIn(`${folder}/out.jsonl`)).length;
  assert(before > 0 && before < 400, `${before}`);
  await Deno.writeTextFile(`${folder}/go`, "");
  const resumed = await runTask("run", line.split(" "), { cwd: folder });
  assertEquals(resumed.code, 0, resumed.stderr);
  assertEquals(await valuesIn(`${folder}/out.jsonl`), Array(400).keys().toArray());
});

const NEVER = `
const never = () => {
  console.error("waits for ever");
  return new Promise(() => setInterval(() => {}, 1000));
};
export default (n) => n;
`;

for (
  const [what, code, results] of [
    ["prepare", "export const items = [1]; export const prepare = never;", 0],
    ["items", "export const items = never;", 0],
    [
      "the disposal of what was prepared",
      "export const items = [1]; export const prepare = () => ({ [Symbol.asyncDispose]: never });",
      1,
    ],
  ] as const
) {
  test(
    `Ctrl-C ends a run in which ${what} never ends`,
    { "job.js": NEVER + code },
    async (folder) => {
      const child = startTask("run", ["job.js"], { cwd: folder });
      let told = "";
      const given = new Response(child.stdout).text();
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        if (!told.includes("waits for ever") && (told + text).includes("waits for ever")) {
          child.kill("SIGINT");
        }
        told += text;
      }
      assertEquals((await child.status).code, 130, told);
      assertEquals(linesIn(await given).length, results);
    },
  );
}

test("Ctrl-C ends a run whose list never comes to what is recorded", {
  "job.js": `${NEVER}
export async function* items() {
  yield* Array(5).keys();
  if (await Deno.stat("stalls").then(() => true, () => false)) await never();
  yield* [5, 6];
};`,
}, async (folder) => {
  const args = ["job.js", "--allow-read", "--out", "out.jsonl", "--resume"];
  const first = await runTask("run", args, { cwd: folder });
  assertEquals(first.code, 0, first.stderr);
  await Deno.writeTextFile(`${folder}/stalls`, "");
  const child = startTask("run", args, { cwd: folder });
  const given = new Response(child.stdout).text();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let told = await readUntil(reader, /waits for ever/);
  child.kill("SIGINT");
  for (let part; (part = (await reader.read()).value) !== undefined;) told += part;
  assertEquals((await child.status).code, 130, told);
  assertStringIncludes(await given, "interrupted; 7 were done before");
});

const GONE = [
  ["removed after no result", "n === 0 && Deno.removeSync('out.jsonl')", "out.jsonl"],
  ["removed after ten results", "n === 10 && Deno.removeSync('out.jsonl')", "out.jsonl"],
  ["moved", "n === 10 && Deno.renameSync('out.jsonl', 'moved.jsonl')", "out.jsonl"],
  ["its journal", "n === 10 && Deno.removeSync('out.jsonl.journal')", "out.jsonl.journal"],
] as const;
for (const [what, act, file] of GONE) {
  test(`a file that is gone while results are written is missed: ${what}`, {
    "job.js": `export const items = [...Array(20).keys()];
      export default (n) => (${act}, n);`,
  }, async (folder) => {
    // deno-fmt-ignore
    const args = ["job.js", "--allow-read", "--allow-write", "--model", "sequential", "--out", "out.jsonl"];
    const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
    assertEquals([code, stdout.includes("Wrote")], [1, file !== "out.jsonl"]);
    assertStringIncludes(
      stderr,
      `${folder}/${file} was removed, moved or replaced by something else`,
    );
  });
}

const REMOVES = `export const items = [0, 1, 2, 3];
  export default (n) => {
    if (n === 2) Deno.removeSync("failed.jsonl");
    if (n > 0) throw new Error("fails");
  };`;
// deno-fmt-ignore
const REMOVING = ["job.js", "--allow-write", "--model", "sequential", "--failed", "failed.jsonl"];

test("a file of failures that is removed is written from the journal, and nothing ends for it", {
  "job.js": REMOVES,
}, async (folder) => {
  const args = [...REMOVING, "--out", "out.jsonl"];
  const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
  assertEquals([code, stdout.includes("Wrote")], [1, true], stderr);
  const failed = linesIn(await Deno.readTextFile(`${folder}/failed.jsonl`));
  assertEquals(failed.map(({ index }) => index), [1, 2, 3]);
});

test("a run without a journal ends where its file of failures is removed", {
  "job.js": REMOVES,
}, async (folder) => {
  const { code, stderr } = await runTask("run", REMOVING, { cwd: folder });
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `${folder}/failed.jsonl was removed, moved or replaced by something else`,
  );
});

test("a run that comes to nothing says why, whoever has removed its files", {
  "job.js": `export function* items() {
    for (const name of ["out.jsonl", "failed.jsonl"]) Deno.removeSync(name);
    throw new Error("no list");
  }
  export default (n) => n;`,
}, async (folder) => {
  const args = [...REMOVING, "--out", "out.jsonl"];
  const { code, stderr } = await runTask("run", args, { cwd: folder });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "no list");
});

const hasTerminal = mayRunScripts && Deno.build.os === "linux" &&
  await hasProgram("script", "--version");

if (hasTerminal) {
  test("on a terminal results stand on lines of their own, not behind the one that moves", {
    "job.js": "export const items = [1, 2, 3]; export default (n) => n;",
  }, async (folder) => {
    const command = [Deno.execPath(), ...commandOf("run"), "job.js"].map(shellWord).join(" ");
    const { stdout } = await new Deno.Command("script", {
      args: ["--quiet", "--command", command, "/dev/null"],
      cwd: ROOT,
      env: { INIT_CWD: folder, TERM: "xterm" },
      stdin: "null",
    }).output();
    const shown = new TextDecoder().decode(stdout);
    assertStringIncludes(shown, "░");
    assertEquals([...shown.replaceAll(WIPED, "\n").matchAll(/^\{"index":/gm)].length, 3, shown);
  });
}

test("--live shows the run on a page while it goes on", {
  "job.js": `
export function* items() { for (let n = 0;; n++) yield n; }
export default (n) => new Promise((done) => setTimeout(done, 10, n));
`,
}, async (folder) => {
  const args = ["job.js", "--live", "--slots", "3"];
  const child = startTask("run", args, { cwd: folder, stdout: "null" });
  // How soon the first tasks have ended depends on the machine.
  const pulse = await livePulse(child, ({ latencyMs }) => latencyMs !== null);
  assertEquals([pulse.lanes.length, pulse.slots, pulse.total], [1, 3, null]);
  assert(pulse.latencyMs!.median >= 10 && pulse.settled > 0 && pulse.lanes[0]! <= 3);
});

test("a job that lacks a permission, and one whose process ends, are told in a line", {
  "reads.js":
    `export const items = ["x"]; export default () => Deno.readTextFile("/etc/hostname");`,
  "early.js":
    `export const items = [1]; export const prepare = () => Deno.exit(0); export default () => {};`,
  "exits.js": `export const items = [1, 2]; export default (n) => n === 2 ? Deno.exit(7) : n;`,
  "throws.js":
    `export function* items() { yield 1; throw new Error("no more\\x1b[2J\\nrun: done"); } export default (n) => n;`,
}, async (folder) => {
  const oneLine = ({ stdout, stderr }: ScriptRun) => {
    assertEquals(stdout, "");
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    return stderr;
  };
  const reads = await runTask("run", ["reads.js", "--out", "out.jsonl"], { cwd: folder });
  assertEquals(reads.code, 2);
  assertStringIncludes(oneLine(reads), "item 0 needs read access");
  assertStringIncludes(reads.stderr, "--allow-read=/etc/hostname");
  assertEquals(await Deno.stat(`${folder}/out.jsonl`).catch(() => "gone"), "gone");
  const exits = await runTask("run", ["exits.js", "--model", "sequential"], { cwd: folder });
  assertEquals(exits.code, 1);
  assertStringIncludes(exits.stderr, "process ended (exit code 7)");
  const early = await runTask("run", ["early.js"], { cwd: folder });
  assertEquals(early.code, 1);
  assertStringIncludes(
    oneLine(early),
    "(exit code 0); loading it, prepare and items return or throw",
  );
  const throws = await runTask("run", ["throws.js"], { cwd: folder });
  assertEquals(throws.code, 1);
  assertStringIncludes(throws.stderr, "failed: no more run: done\n");
  assertEquals(linesIn(throws.stdout).map(({ value }) => value), [1]);
});

const STRAY = `
export const items = ["a", "b"];
export default async (item) => {
  if (item === "a") return item;
  setTimeout(() => { throw new Error("too late"); }, 10);
  await new Promise(() => {});
};`;

test("what the last task leaves to nobody is told, and loses no result", {
  "job.js": `
export const items = [1];
export default (n) => {
  Promise.reject(new Error("too late"));
  // The run's last timer is due in the turn in which the promise is rejected.
  (async () => {
    for (let turns = 0; turns < 2000; turns++) await null;
    const untilMs = performance.now() + 20;
    while (performance.now() < untilMs);
  })();
  return n;
};`,
}, async (folder) => {
  const { code, stdout, stderr } = await runTask("run", ["job.js"], { cwd: folder });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "a promise that nobody awaits failed: too late");
  assertEquals(linesIn(stdout).map(({ value }) => value), [1]);
});

test("what nobody catches ends the run with its message and place, and loses no result", {
  "callback.js": STRAY,
  "promise.js": STRAY.replace(
    'throw new Error("too late")',
    'Promise.reject(new Error("too late"))',
  ),
}, async (folder) => {
  for (
    const [job, what, column] of [
      ["callback", "a callback", 28],
      ["promise", "a promise that nobody awaits", 37],
    ] as const
  ) {
    const { code, stdout, stderr } = await runTask("run", [`${job}.js`, "--model", "sequential"], {
      cwd: folder,
    });
    assertEquals(code, 1);
    assertEquals(linesIn(stdout).map(({ value }) => value), ["a"]);
    const place = `${job}.js:5:${column}`;
    const why = `${what} failed: too late (${place}); under --model processes such an item fails`;
    assertEquals(stderr.split("\n").filter((line) => line.startsWith("run: ")), [
      `run: Cannot run the job: ${why} alone`,
    ]);
  }
});

test(
  "a full disk ends the run: what was written is whole, and the run goes on once there is room",
  {
    "job.js": `export const items = Array(3000).keys().toArray();
export default async (n) => { await new Promise((done) => setTimeout(done, 1)); return "x".repeat(n % 97); };`,
    // No file may be larger than 64 KiB: a test can't come closer to a full disk without having one.
    "limited.sh": `trap '' XFSZ; ulimit -f 64; exec "$@"`,
  },
  async (folder) => {
    const script = [Deno.execPath(), "run", "--allow-all", "--no-check", `${ROOT}scripts/run.ts`];
    const args = ["job.js", "--out", "out.jsonl", "--slots", "20"];
    const { code, stderr } = await new Deno.Command("bash", {
      args: ["limited.sh", ...script, ...args],
      cwd: folder,
      env: { NO_COLOR: "1", INIT_CWD: folder },
    }).output();
    assertEquals(code, 1);
    assertMatch(new TextDecoder().decode(stderr), /out\.jsonl can't be written \(.*go on with/s);
    const text = await Deno.readTextFile(`${folder}/out.jsonl`);
    assert(text.endsWith("\n") && text.length > 0);
    const resumed = await runTask("run", [...args, "--resume"], { cwd: folder });
    assertEquals(resumed.code, 0, resumed.stderr);
    const values = Array.from({ length: 3000 }, (_, n) => "x".repeat(n % 97));
    assertEquals(await valuesIn(`${folder}/out.jsonl`), values);
  },
);

test("what was set up is taken down before the run ends", {
  "job.js": `
export const items = [1];
export const setup = () => ({
  async [Symbol.asyncDispose]() {
    await new Promise((done) => setTimeout(done, 400));
    console.error("TAKEN DOWN");
  },
});
export default (n) => n;`,
}, async (folder) => {
  for (const model of ["limited", "workers"]) {
    const run = await runTask("run", ["job.js", "--model", model], { cwd: folder });
    assertEquals(run.code, 0, run.stderr);
    assertStringIncludes(run.stderr, "TAKEN DOWN");
  }
});

for (const how of ["SIGKILL", "SIGINT twice"]) {
  test(`a task that computes without a pause ends with its run: ${how}`, {
    "job.js": `
export const items = [1];
export default () => {
  Deno.stderr.writeSync(new TextEncoder().encode("computing in " + Deno.pid + "\\n"));
  while (true);
};`,
  }, async (folder) => {
    const child = startTask("run", ["job.js"], { cwd: folder, stdout: "null" });
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (wanted: RegExp) => void (text = await readUntil(reader, wanted, text));
    await until(/computing in \d+\n/);
    if (how === "SIGKILL") child.kill("SIGKILL");
    else {
      child.kill("SIGINT");
      await until(/finishes what runs/);
      // A second signal any sooner would count as an echo of the first.
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.kill("SIGINT");
    }
    await child.status;
    await reader.cancel();
    await gone(Number(/computing in (\d+)/.exec(text)![1]));
  }, Deno.build.os === "linux");
}

for (const model of ["limited", "workers", "processes"]) {
  test(`stdin is at its end for tasks under ${model} and for what they start`, {
    "job.js": `
export const items = Array.from({ length: 20 }, (_, n) => n);
export default async () => {
  const own = Deno.stdin.readSync(new Uint8Array(9));
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "Deno.exit(Deno.stdin.readSync(new Uint8Array(9)) ?? 7)"],
    stdout: "null",
    stderr: "null",
    stdin: "inherit",
  }).spawn().status;
  return [own, code];
};`,
  }, async (folder) => {
    const args = ["job.js", "--model", model, "--allow-run", "--items", "3"];
    const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
    assertEquals(code, 0, stderr);
    assertEquals(linesIn(stdout).map(({ value }) => value), Array(3).fill([null, 7]));
  });
}

for (
  const [how, items] of [
    ["read whole", "async () => (await new Response(Deno.stdin.readable).text()).split(',')"],
    [
      "read bit by bit",
      "(async function* () { yield await Deno.stdin.read(new Uint8Array(9)); })()",
    ],
  ]
) {
  test(`items that are ${how} from stdin are refused, with the option that takes them`, {
    "job.js": `export const items = ${items}; export default (n) => n;`,
  }, async (folder) => {
    const { code, stderr } = await runTask("run", ["job.js"], { cwd: folder });
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "stdin can't be read by a job");
    assertStringIncludes(stderr, "--from -");
  });
}

test("items that only a set-up kept from running are no failures: they run once it succeeds", {
  "job.js": `
export const items = [0, 1, 2, 3, 4, 5];
export const setup = () => Deno.readTextFile("database");
export default (n) => n;`,
}, async (folder) => {
  const database = `${folder}/database`;
  for (const count of [1, 6]) {
    const out = `out${count}.jsonl`;
    const args = ["job.js", "--allow-read", "--items", `${count}`, "--out", out];
    await Deno.remove(database).catch(() => {});
    const down = await runTask("run", [...args, "--retries", "1"], { cwd: folder });
    assertEquals(down.code, 1);
    assertStringIncludes(down.stderr, "its setup failed");
    await Deno.writeTextFile(database, "up");
    const up = await runTask("run", [...args, "--resume"], { cwd: folder });
    assertEquals(up.code, 0, up.stderr);
    assertEquals(await valuesIn(`${folder}/${out}`), Array(count).keys().toArray());
  }
});

test("a run is halted once so many items failed, and says how it goes on", {
  "job.js": `export const items = Array(1000).keys().toArray();
export default async (n) => { await 0; throw new Error("no"); };`,
}, async (folder) => {
  const args = ["job.js", "--out", "out.jsonl", "--halt", "10%"];
  const { code, stderr } = await runTask("run", args, { cwd: folder });
  assertEquals(code, 1);
  assertMatch(stderr, /halted: (\d+) of \1 items failed \(--halt 10%\)/);
  assertStringIncludes(
    stderr,
    "go on with: deno task run job.js --out out.jsonl --halt 10% --resume",
  );
});

test("deno task run refuses lists and files that don't fit, before anything runs", {
  "task.js": `export default (n) => { console.error("RAN"); return n; };`,
  "list.jsonl": "1\n2\n3\n4\n5\n6\n{seven\n",
  "empty.txt": "\n",
  "there.jsonl": "my own\n",
  "job.js": `export const items = [1]; export default (n) => n;`,
  "generator.js": `export function* items() {} export default (n) => n;`,
}, async (folder) => {
  const cases: readonly (readonly [string[], ...string[]])[] = [
    [["task.js"], "task.js", `exports no "items"`],
    [["task.js", "--from", "list.jsonl"], "--from list.jsonl, line 7", "not JSON"],
    [["task.js", "--from", "nothing.txt"], "--from", "nothing.txt", "no such file"],
    [["task.js", "--from", "empty.txt"], "--from", "empty.txt", "no item"],
    [["generator.js"], "generator.js", "items are empty"],
    [["job.js", "--out", "there.jsonl"], "--out", "there.jsonl", "exists", "--resume"],
    [["job.js", "--failed", "there.jsonl"], "--failed", "there.jsonl", "exists"],
    [["job.js", "--out", "there.jsonl", "--resume"], "--out", "there.jsonl", "journal"],
    [["job.js", "--out", "job.js", "--resume"], "--out", "job.js", "no journal"],
    [["job.js", "--out", "a", "--failed", "a"], "--failed", "same file"],
    [["job.js", "--out", "-"], `--out "-"`, "no file"],
    [["job.js", "--export", "setup"], `--export "setup"`, "no task"],
    [["job.js", "--out", "typo.jsonl", "--retry-failed"], "typo.jsonl", "isn't there"],
    [["job.js", "--json", "-"], `--json "-"`, "no file"],
    [["job.js", "--advice", "list.jsonl"], "--advice", "list.jsonl"],
    [["job.js", "--model", "auto", "--start", "list.jsonl"], "--start", "list.jsonl"],
    [["job.js", "--start", "list.jsonl"], "--start", "list.jsonl"],
    [["job.js", "--slots", "2", "--start", "list.jsonl"], "--start", "--model auto"],
  ];
  const names = () => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  const before = names();
  const runs = await runTaskEach("run", cases.map(([args]) => args), folder);
  for (const [at, [_, ...parts]] of cases.entries()) {
    const { code, stdout, stderr } = runs[at]!;
    assertEquals([code, stdout], [2, ""], stderr);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    for (const part of parts) assertStringIncludes(stderr, part);
  }
  assertEquals(await Deno.readTextFile(`${folder}/there.jsonl`), "my own\n");
  assertEquals(names(), before);
});

test(
  "a changed list is refused, or matched",
  { "task.js": "export default (n) => n + '!';" },
  async (folder) => {
    const write = (text: string) => Deno.writeTextFile(`${folder}/list.txt`, text);
    const args = ["task.js", "--from", "list.txt", "--out", "out.jsonl"];
    await write("a\nb\n");
    assertEquals((await runTask("run", args, { cwd: folder })).code, 0);
    await write("new\nb\na\n");
    const refused = await runTask("run", [...args, "--resume"], { cwd: folder });
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.stderr, "item 0 is another one");
    const matched = await runTask("run", [...args, "--resume", "--changed", "match"], {
      cwd: folder,
    });
    assertEquals(matched.code, 0, matched.stderr);
    const lines = linesIn(await Deno.readTextFile(`${folder}/out.jsonl`));
    assertEquals(lines.map(({ value }) => value).sort(), ["a!", "b!", "new!"]);
  },
);

test(
  "what failed and has left the list doesn't count as failed when the list is matched",
  { "task.js": `export default (n) => { if (n === "d") throw new Error("no d"); return n; };` },
  async (folder) => {
    const write = (text: string) => Deno.writeTextFile(`${folder}/list.txt`, text);
    const args = ["task.js", "--from", "list.txt", "--out", "out.jsonl"];
    await write("a\nb\nd\n");
    assertEquals((await runTask("run", args, { cwd: folder })).code, 1);
    await write("x\nb\na\n");
    const match = [...args, "--resume", "--changed", "match"];
    const matched = await runTask("run", match, { cwd: folder });
    assertEquals([matched.code, matched.stderr], [0, ""]);
    assertStringIncludes(matched.stdout.replaceAll(/\s+/g, " "), "1 recorded item left the list");
    await write("d\nx\n");
    const again = await runTask("run", match, { cwd: folder });
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "--retry-failed");
  },
);

for (const model of ["limited", "workers", "processes"]) {
  test(
    `SIGTERM for all processes of a run under ${model} finishes what runs, and nothing fails by it`,
    {
      // Each task waits until the test writes the file `go`.
      "job.js": `
export const items = Array.from({ length: 6 }, (_, n) => n);
export default async (n) => {
  console.error("begun " + n);
  while (await Deno.stat("go").then(() => false, () => true)) await new Promise((done) => setTimeout(done, 5));
  return n;
};
`,
    },
    async (folder) => {
      const sizes = model === "limited" ? ["--slots", "2"] : ["--lanes", "2"];
      const args = ["job.js", "--model", model, ...sizes, "--allow-read", "--out", "out.jsonl"];
      const child = startTask("run", args, { cwd: folder, detached: true });
      const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const until = async (wanted: RegExp) => void (text = await readUntil(reader, wanted, text));
      await until(/begun 0[^]*begun 1|begun 1[^]*begun 0/);
      Deno.kill(-child.pid, "SIGTERM");
      await until(/finishes what runs/);
      await Deno.writeTextFile(`${folder}/go`, "");
      for (let end = await reader.read(); !end.done; end = await reader.read()) text += end.value;
      await child.stdout.cancel();
      assertEquals((await child.status).code, 130);
      // How soon the job's process receives the signal depends on the machine.
      assertEquals((await valuesIn(`${folder}/out.jsonl`)).slice(0, 2), [0, 1]);
      const resumed = await runTask("run", [...args, "--resume"], { cwd: folder });
      assertEquals([resumed.code, resumed.stderr.includes("failed")], [0, false], resumed.stderr);
      assertEquals(await valuesIn(`${folder}/out.jsonl`), [0, 1, 2, 3, 4, 5]);
    },
  );
}

test(
  "README's crawl does all of it: retries, both files, and going on after SIGKILL",
  {},
  async (folder) => {
    const readme = await Deno.readTextFile(`${ROOT}README.md`);
    const [, task, command] =
      /```ts ignore\n([^`]*)```\n\n```sh\ndeno task run (\.\/crawl\.ts [^`]*)```/.exec(readme)!;
    const asked = new Map<string, number>();
    const askedFor = Promise.withResolvers<void>();
    const isGone = (n: number) => n % 500 === 3;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => {
        const { pathname } = new URL(url);
        const n = Number(pathname.slice(1));
        const times = (asked.get(pathname) ?? 0) + 1;
        asked.set(pathname, times);
        if (asked.size === 1000) askedFor.resolve();
        if (isGone(n)) return new Response("gone", { status: 404 });
        // Every fifth address answers only at the third attempt.
        if (n % 5 === 0 && times < 3) return new Response("busy", { status: 500 });
        return new Response("x".repeat(n % 100));
      },
    );
    const host = `127.0.0.1:${server.addr.port}`;
    const numbers = Array(3000).keys().toArray();
    await Deno.writeTextFile(`${folder}/crawl.ts`, task!);
    await Deno.writeTextFile(
      `${folder}/urls.txt`,
      numbers.map((n) => `http://${host}/${n}\n`).join(""),
    );
    // At the rate in README, the job would take 15 s.
    const args = command!.replaceAll("\\\n", " ").replace("--rate 200/s", "")
      .replace("example.org", host).trim().split(/ +/);
    const killed = startTask("run", args, { cwd: folder });
    await askedFor.promise;
    killed.kill("SIGKILL");
    await killed.output();
    const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
    assertEquals(code, 1, stderr);
    assertStringIncludes(stdout, "HTTP 404");
    const done = linesIn(await Deno.readTextFile(`${folder}/pages.jsonl`))
      .sort((a, b) => a.index - b.index);
    const wanted = numbers.filter((n) => !isGone(n));
    assertEquals(done.map(({ index, value }) => [index, value]), wanted.map((n) => [n, n % 100]));
    const failed = linesIn(await Deno.readTextFile(`${folder}/failed.jsonl`));
    assertEquals(failed.map(({ index }) => index).sort((a, b) => a - b), numbers.filter(isGone));
  },
);

test("what isn't a run's own is never written over by one that goes on", {
  "job.js": `export const items = [1, 2]; export default (n) => n;`,
  "thesis.txt": "my thesis\n",
  "poem.txt": "\n  my poem\n",
}, async (folder) => {
  const args = ["job.js", "--out", "out.jsonl", "--failed", "thesis.txt", "--resume"];
  const begins = await runTask("run", args, { cwd: folder });
  assertEquals([begins.code, begins.stdout], [2, ""]);
  assertStringIncludes(begins.stderr, '--failed "thesis.txt": it exists; name another file');
  await runTask("run", ["job.js", "--out", "out.jsonl"], { cwd: folder });
  const goesOn = await runTask("run", args, { cwd: folder });
  assertEquals([goesOn.code, goesOn.stdout], [2, ""]);
  assertStringIncludes(goesOn.stderr, '--failed "thesis.txt": it holds something else');
  assertEquals(await Deno.readTextFile(`${folder}/thesis.txt`), "my thesis\n");
  await runTask("run", ["job.js", "--out", "others.jsonl"], { cwd: folder });
  for (const name of ["poem.txt", "others.jsonl"]) {
    const before = await Deno.readTextFile(`${folder}/${name}`);
    const refused = await runTask("run", args.with(4, name), { cwd: folder });
    assertStringIncludes(refused.stderr, `--failed "${name}": it holds something else`);
    assertEquals(await Deno.readTextFile(`${folder}/${name}`), before);
  }
  await Deno.symlink("nowhere.jsonl", `${folder}/link.jsonl`);
  const link = await runTask("run", ["job.js", "--out", "link.jsonl"], { cwd: folder });
  assertEquals(link.code, 2);
  assertStringIncludes(link.stderr, '--out "link.jsonl": a link to a file that isn\'t there');
});

test(
  "all that fails when a job is closed is told, and a run that is done has nothing to go on with",
  {
    "job.js": `
export const items = [1, 2];
export const prepare = () => ({ [Symbol.dispose]() { throw new Error("dispose fails"); } });
export const setup = () => ({});
export function teardown() { throw new Error("teardown fails"); }
export default (n) => n;
`,
  },
  async (folder) => {
    const args = ["job.js", "--out", "out.jsonl"];
    const { code, stdout, stderr } = await runTask("run", args, { cwd: folder });
    assertEquals(code, 1);
    assertStringIncludes(stdout, "2 succeeded");
    assertMatch(
      stderr,
      /The job ran, but closing it failed: .*teardown fails; then: dispose fails/,
    );
    assert(!stderr.includes("--resume"));
  },
);

/** The state of a process, such as `T` for stopped; undefined if there is no such process. */
async function stateOf(pid: number): Promise<string | undefined> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return /^State:\s+(\w)/m.exec(status)?.[1];
}

test(
  "what Ctrl-Z stops is stopped with deno task, so that the shell has its turn, and goes on with it",
  {
    "job.js": `export const items = [1];
      export default async () => {
        Deno.writeTextFileSync("began", "");
        for (let waits = true; waits;) {
          await new Promise((done) => setTimeout(done, 10));
          try {
            waits = Deno.statSync("go") === null;
          } catch {}
        }
      };`,
  },
  async (folder) => {
    const args = ["job.js", "--allow-read", "--allow-write", "--out", "out.jsonl"];
    const child = startTask("run", args, { cwd: folder, byTask: true });
    const output = child.output();
    const began = () => Deno.stat(`${folder}/began`).then(() => true, () => false);
    await eventually(began, "the task has begun");
    const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
    const [own] = children.trim().split(" ").map(Number);
    Deno.kill(own!, "SIGTSTP");
    for (const pid of [child.pid, own!]) {
      await eventually(async () => await stateOf(pid) === "T", "it is stopped");
    }
    for (const pid of [child.pid, own!]) Deno.kill(pid, "SIGCONT");
    await Deno.writeTextFile(`${folder}/go`, "");
    const { code, stderr } = await output;
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  },
  Deno.build.os === "linux",
);
