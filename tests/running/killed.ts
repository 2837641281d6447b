/**
 * Runs a job again and again until it is done, killing all its processes at random moments, and compares its
 * files with those of an undisturbed run. Arguments of the program: how many kills, the seed, and further
 * options of the run.
 *
 * deno run -A tests/running/killed.ts 200 7 --model workers
 */

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../lib/timing/random.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/run.ts", import.meta.url));
/** How long a run takes that isn't killed, in milliseconds. */
const WHOLE_MS = 3000;

const JOB = (items: number) => `
export const title = "killed again and again";
export const items = Array.from({ length: ${items} }, (_, n) => "item " + n);
export default async function (item, { index }) {
  await new Promise((done) => setTimeout(done, 1 + Number(item.slice(5)) % 3));
  if (item.endsWith("7")) throw new Error("no " + item);
  return { item, index, text: "é".repeat(index % 50) };
}
`;

/** Runs the job once; returns whether it came to its end. */
async function once(
  folder: string,
  out: string,
  args: readonly string[],
  killAfter?: (file: string) => Promise<void>,
) {
  const child = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "-A", "--no-check", SCRIPT, `${folder}/job.js`, "--slots", "8", "--out", out,
      "--failed", `${out}.failed`, "--resume", ...args],
    cwd: folder,
    env: { NO_COLOR: "1", INIT_CWD: folder },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // The process group is killed as a whole.
    detached: true,
  }).spawn();
  let ended = false;
  const output = child.output().then((found) => {
    ended = true;
    return found;
  });
  await killAfter?.(out);
  if (killAfter !== undefined && !ended) {
    try {
      Deno.kill(-child.pid, "SIGKILL");
    } catch {
      // The process has ended in the meantime.
    }
  }
  const { code, signal, stderr } = await output;
  if (signal === "SIGKILL") return false;
  // The exit code is 1 because some items fail.
  assertEquals(code, 1, new TextDecoder().decode(stderr));
  return true;
}

const sortedLines = async (path: string) => (await Deno.readTextFile(path)).split("\n").sort();

/** Kills runs at least `kills` times; returns how many were killed. */
export async function killed(
  { kills, items, seed, args = [], onDone }: {
    readonly kills: number;
    readonly items: number;
    readonly seed: number;
    /** Further options of the run. */
    readonly args?: readonly string[];
    readonly onDone?: (killed: number, resumed: number) => void;
  },
): Promise<number> {
  const random = seededRandom(seed);
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/job.js`, JOB(items));
    assertEquals(await once(folder, `${folder}/whole.jsonl`, args), true);
    const wanted = await sortedLines(`${folder}/whole.jsonl`);
    assertEquals(wanted.length, items - Math.ceil((items - 7) / 10) + 1);
    const failed = (await sortedLines(`${folder}/whole.jsonl.failed`)).length;
    const wantedSize = await sizeOf(`${folder}/whole.jsonl`);
    let killed = 0;
    for (let round = 0; killed < kills; round++) {
      const out = `${folder}/${round}.jsonl`;
      let resumed = 0;
      const moment = async () => {
        // Half of the moments are random times, half random sizes of the output file.
        if (random() < 0.5) return await sleep(random() * WHOLE_MS);
        const before = await sizeOf(out);
        const size = before + random() * (wantedSize - before);
        const deadline = performance.now() + WHOLE_MS;
        while (performance.now() < deadline && await sizeOf(out) < size) await sleep(1);
      };
      while (!await once(folder, out, args, killed < kills ? moment : undefined)) {
        killed++;
        resumed++;
      }
      assertEquals(await sortedLines(out), wanted);
      assertEquals((await sortedLines(`${out}.failed`)).length, failed);
      onDone?.(killed, resumed);
    }
    return killed;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const sizeOf = async (path: string) => await Deno.stat(path).then(({ size }) => size, () => 0);

if (import.meta.main) {
  const kills = Number(Deno.args[0] ?? 200);
  const seed = Number(Deno.args[1] ?? crypto.getRandomValues(new Uint32Array(1))[0]!);
  console.log(`${kills} kills, seed ${seed}`);
  await killed({
    kills,
    items: 2000,
    seed,
    args: Deno.args.slice(2),
    onDone: (killed, resumed) => console.log(`killed ${killed} times; this run ${resumed} times`),
  });
  console.log("every result once, as in an undisturbed run");
}
