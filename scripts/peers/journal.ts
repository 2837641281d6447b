/**
 * A job in a separate process. Arguments: `run`, to its end with a journal, or `bare`, with nothing written;
 * the export that is its task; how many items. Both are timed from the process's start to its end.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limited, type Task } from "../../lib/mod.ts";
import { printedBy, type Reading, reading, report, timed, total } from "./reading.ts";
import { items } from "./journal_job.ts";

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const deno = (...args: string[]) => printedBy(Deno.execPath(), ["run", "--no-prompt", ...args]);

async function journaled(which: string, count: string): Promise<Reading> {
  const folder = await Deno.makeTempDir();
  try {
    const [out, json] = [join(folder, "out.jsonl"), join(folder, "run.json")];
    const job = [fileAt("journal_job.ts"), "--export", which, "--items", count];
    await deno("--allow-all", fileAt("../run.ts"), ...job, "--out", out, "--json", json);
    const { wallMs } = JSON.parse(await Deno.readTextFile(json)).run;
    const lines = (await Deno.readTextFile(out)).trimEnd().split("\n");
    const sum = total(lines.map((line) => JSON.parse(line).value));
    return { items: lines.length, sum, ms: wallMs };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function bare(which: string, count: string): Promise<Reading> {
  const args = [import.meta.filename!, "loop", which, count];
  const { value: printed, ms } = await timed(() => deno("--allow-read", ...args));
  return { ...JSON.parse(printed), ms };
}

async function loop(which: string, count: string): Promise<Reading> {
  await using executor = limited();
  const { href: module } = new URL("./journal_job.ts", import.meta.url);
  const job = { module, export: which } as Task<number>;
  return await reading(() => executor.map(job, items().take(Number(count))).toArray());
}

const MODES: Readonly<Record<string, (which: string, count: string) => Promise<Reading>>> = {
  run: journaled,
  bare,
  loop,
};
const [mode = "", which = "", count = ""] = Deno.args;
report(await MODES[mode]!(which, count));
