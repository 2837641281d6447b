/** Runs Deno programs from start to end. Arguments: which program, how often. */

import { fileURLToPath } from "node:url";
import { report } from "./reading.ts";

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = (path: string, ...args: string[]) => ["run", "--allow-read", fileAt(path), ...args];

const PROGRAMS: Readonly<Record<string, string[]>> = {
  empty: run("empty.ts"),
  "empty-task": ["task", "--eval", `deno ${run("empty.ts").join(" ")}`],
  help: ["task", "io", "--help"],
  "first-result": run("first_result.ts"),
  "bare-result": run("bare_result.ts"),
};

const [which = "empty", count = "10"] = Deno.args;
const start = () =>
  new Deno.Command(Deno.execPath(), {
    args: PROGRAMS[which]!,
    cwd: fileAt("../.."),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
await start();

let sum = 0;
const startMs = performance.now();
for (let index = 0; index < Number(count); index++) sum += (await start()).success ? 1 : 0;
report({ items: Number(count), sum, ms: performance.now() - startMs });
