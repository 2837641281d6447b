/**
 * A job in a process of its own. Arguments: `run`, to its end with a journal, or `bare`, with nothing
 * written; the export that is its task; how many items. Both are timed from the start of that process
 * to its end.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limited, type Task } from "../../lib/mod.ts";
import { type Reading, report, total } from "./reading.ts";
import { items } from "./journal_job.ts";

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function deno(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...args],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot run the job");
  return new TextDecoder().decode(stdout);
}

async function journaled(which: string, count: string): Promise<Reading> {
  const folder = await Deno.makeTempDir();
  try {
    const [out, json] = [join(folder, "out.jsonl"), join(folder, "run.json")];
    const job = [fileAt("journal_job.ts"), "--export", which, "--items", count];
    await deno("--allow-all", fileAt("../run.ts"), ...job, "--out", out, "--json", json);
    const { wallMs } = JSON.parse(await Deno.readTextFile(json)).run;
    const lines = (await Deno.readTextFile(out)).trimEnd().split("\n");
    return {
      items: lines.length,
      sum: total(lines.map((line) => JSON.parse(line).value)),
      ms: wallMs,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function bare(which: string, count: string): Promise<Reading> {
  const startMs = performance.now();
  const reading = JSON.parse(
    await deno("--allow-read", import.meta.filename!, "loop", which, count),
  );
  return { ...reading, ms: performance.now() - startMs };
}

async function loop(which: string, count: string): Promise<Reading> {
  await using executor = limited();
  const job = { module: new URL("./journal_job.ts", import.meta.url).href, export: which } as Task<
    number
  >;
  const values: unknown[] = [];
  for await (const outcome of executor.mapSettled(job, items().take(Number(count)))) {
    if (outcome.status === "fulfilled") values.push(outcome.value);
  }
  return { items: values.length, sum: total(values), ms: 0 };
}

const MODES: Readonly<Record<string, (which: string, count: string) => Promise<Reading>>> = {
  run: journaled,
  bare,
  loop,
};
const [mode = "", which = "", count = ""] = Deno.args;
report(await MODES[mode]!(which, count));
