/**
 * The spread of repeated runs of one command, an empty Deno program, timed by `sequential()` or by hyperfine.
 * Arguments: ours|hyperfine, runs.
 */

import { fileURLToPath } from "node:url";
import { sequential } from "../../lib/mod.ts";
import { numbers, printedBy, report, total } from "./reading.ts";

const ARGS = ["run", fileURLToPath(new URL("./empty.ts", import.meta.url))];

async function ourTimes(runs: number): Promise<number[]> {
  const run = async () => {
    const unheard = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const { success } = await new Deno.Command(Deno.execPath(), { args: ARGS, ...unheard })
      .output();
    if (!success) throw new Error("The command failed");
  };
  await run();
  await using executor = sequential();
  const outcomes = await executor.mapSettled(run, numbers(runs)).toArray();
  return outcomes.filter(({ status }) => status === "fulfilled")
    .map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs);
}

async function hyperfineTimes(runs: number): Promise<number[]> {
  const file = await Deno.makeTempFile();
  try {
    const args = ["-N", "--warmup", "1", "--runs", `${runs}`, "--export-json", file];
    await printedBy("hyperfine", [...args, [Deno.execPath(), ...ARGS].join(" ")]);
    return JSON.parse(await Deno.readTextFile(file)).results[0].times.map((s: number) => s * 1000);
  } finally {
    await Deno.remove(file);
  }
}

const [who = "ours", runs = "20"] = Deno.args;
const times = await (who === "ours" ? ourTimes : hyperfineTimes)(Number(runs));
const sorted = times.toSorted((a, b) => a - b);
const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
const spread = (at(0.75) - at(0.25)) / at(0.5);
report({ items: times.length, sum: times.length, ms: total(times), spread });
