/** Runs a script in a separate process, as people do, for the tests. */

import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import type { Pulse } from "../../lib/progress/progress.ts";
import { granted } from "../granted.ts";

/** The output of a script, and its exit code. */
export interface ScriptRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Whether this process may run scripts, and read and write their files. */
export const mayRunScripts = granted("run", "read", "write", "net");

/** The command of `deno task <task>`: Deno's arguments, with the task's permissions, and its script. */
export function commandOf(task: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  // The task asks Deno for its path, which may contain a blank.
  const words = tasks[task].command.replace(/"(.*)\$\(.*\)"/, "$1$DENO").split(" ").slice(1);
  return words.map((word: string) => word.replace("$DENO", Deno.execPath()));
}

/** How a script is run; `byTask` uses `deno task` itself instead of the task's command. */
interface RunOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly byTask?: boolean;
  /** A command to run it with, such as one that enters another network. */
  readonly through?: readonly string[];
}

/** Starts a task's script with the task's permissions, from a folder. */
export function startTask(
  task: string,
  args: readonly string[],
  { cwd = ROOT, byTask = false, through = [], ...options }: RunOptions & Deno.CommandOptions = {},
): Deno.ChildProcess {
  const own = byTask
    ? ["task", "--quiet", "--config", `${ROOT}deno.json`, task, ...args]
    : [...commandOf(task), ...args];
  const [program, ...all] = [...through, Deno.execPath(), ...own];
  return new Deno.Command(program!, {
    args: all,
    cwd: byTask ? cwd : ROOT,
    // These tests may themselves run by a task, whose folder must not count as the user's.
    env: { NO_COLOR: "1", INIT_CWD: cwd },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
}

/** Runs a task's script to its end. */
export async function runTask(
  task: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ScriptRun> {
  const { code, stdout, stderr } = await startTask(task, args, options).output();
  const decoder = new TextDecoder();
  // On a new machine Deno first reports its downloads.
  const told = decoder.decode(stderr).replace(/^Download https?:.*\n/gm, "");
  return { code, stdout: decoder.decode(stdout), stderr: told };
}

/**
 * Reads a script's output until it matches; returns all of it.
 *
 * @param text What was read before.
 * @throws If the output ends before, with the output.
 */
export async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  wanted: RegExp,
  text = "",
): Promise<string> {
  while (!wanted.test(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`it ended before it said ${wanted}: ${text}`);
    text += value;
  }
  return text;
}

/** Reads the page of a script that runs with `--live` until a pulse is the wanted one, then interrupts it. */
export async function livePulse(
  child: Deno.ChildProcess,
  isWanted: (pulse: Pulse) => boolean,
): Promise<Pulse> {
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const said = /watch it at (http:\S+)\n/;
  const [, url] = said.exec(await readUntil(reader, said))!;
  const events = await fetch(`${url}events`);
  const body = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  let pulse: Pulse | undefined;
  for (let text = ""; pulse === undefined;) {
    const { done, value } = await body.read();
    if (done) throw new Error(`the run ended before the wanted pulse: ${text}`);
    text += value;
    pulse = text.split("\n\n").slice(0, -1)
      .map((event): Pulse => JSON.parse(event.split("data: ")[1]!)).find(isWanted);
  }
  await body.cancel();
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  assertEquals((await child.status).code, 130);
  return pulse;
}

/** Runs a script many times, one after the other in one process, for runs that end soon. */
export async function runTaskEach(
  task: string,
  runs: readonly (readonly string[])[],
  cwd = ROOT,
): Promise<readonly ScriptRun[]> {
  const command = commandOf(task);
  const script = new URL(command.pop()!, new URL("../../", import.meta.url)).href;
  const main = fileURLToPath(new URL("./run_each_main.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...command, main, script, JSON.stringify(runs)],
    cwd: ROOT,
    env: { NO_COLOR: "1", INIT_CWD: cwd },
    stdin: "null",
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A job of a test: its module's code, and further arguments. */
interface MadeUpJob {
  readonly code: string;
  readonly args?: readonly string[];
  /** The module's name; by default it is JavaScript, because type checking takes a second. */
  readonly name?: string;
}

/** Runs a script on jobs, each in a folder of its own, one after the other in one process. */
export async function runTaskOnEach(
  task: string,
  jobs: readonly MadeUpJob[],
): Promise<readonly ScriptRun[]> {
  const cwd = await Deno.realPath(await Deno.makeTempDir());
  try {
    const runs = jobs.map(({ code, args = [], name = "job.js" }, at) => {
      Deno.mkdirSync(`${cwd}/${at}`);
      Deno.writeTextFileSync(`${cwd}/${at}/${name}`, code);
      return [`${at}/${name}`, ...args];
    });
    return await runTaskEach(task, runs, cwd);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}
