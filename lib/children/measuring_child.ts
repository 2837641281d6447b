/**
 * A child process that measures, as its parent sees it: what it may do, what it is told, what it says,
 * and how it ends.
 *
 * @module
 */

import { dirname, fromFileUrl } from "@std/path";
import { projectFiles } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/subprocess/permissions.ts";
import type { Task } from "../lanes/task.ts";
import { type Model, MODEL_TABLE } from "../models.ts";
import { moduleFacts } from "./module_files.ts";
import { userFolder } from "../files/user_path.ts";
import { Inbox, makeMark, MessageReader } from "./child_lines.ts";

/** What of a job decides what its process may do. */
export interface ChildJob {
  readonly task: Task;
  readonly items: { readonly kind: "values" } | {
    readonly kind: "module";
    readonly module: string;
  };
  readonly permissions?: LanePermissions;
}

/** The flags of a trial's process: those of the job's own project, and `--allow-…` flags. */
export async function trialFlags(
  { task, items, permissions = {} }: ChildJob,
  model: Model,
): Promise<string[]> {
  const modules = [task.module, ...(items.kind === "module" ? [items.module] : [])];
  const facts = await Promise.all(modules.map(moduleFacts));
  const read = new Set(facts.flatMap(({ files }) => files));
  const listed = (allowed: boolean | readonly string[] | undefined) =>
    typeof allowed === "boolean" ? [] : allowed ?? [];
  const run = [...listed(permissions.run)];
  const { readsEntry, startsDeno } = MODEL_TABLE[model];
  if (readsEntry) read.add(dirname(fromFileUrl(new URL("../lanes/x", import.meta.url))));
  if (startsDeno) {
    run.push(Deno.execPath());
    // Its children are to run in the same project.
    for (const file of projectFiles(task.module)) read.add(file);
  }
  return [
    ...facts[0]!.flags,
    ...permissionFlags({
      ...permissions,
      read: permissions.read === true ? true : [...listed(permissions.read), ...read],
      run: permissions.run === true ? true : run,
    }),
  ];
}

/** How long a child may take to end after it was asked to, in milliseconds. */
const GRACE_MS = 800;

/** How much of what it wrote to stderr is kept to explain its death, in characters. */
const TAIL = 4000;

/** How a child is started. */
export interface ChildOptions {
  /** The file it runs. */
  readonly entry: URL;
  /** Flags of Deno: its project, and what it may do; none by default. */
  readonly flags?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Told what it and its tasks print; by default that is dropped. */
  readonly onPrint?: (text: string) => void;
}

/** A child that is running. Leaving an `await using` block ends it. */
export class MeasuringChild implements AsyncDisposable {
  /** What each of its messages begins with; it must be told before it can say anything. */
  readonly mark: string = makeMark();
  readonly #messages = new MessageReader(this.mark);
  readonly #onPrint: ((text: string) => void) | undefined;
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: Inbox;
  readonly #stderrEnd: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  #stderr = "";
  #exited = false;
  #killTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the child.
   *
   * @throws {Deno.errors.NotCapable} If this process may not run Deno.
   */
  constructor({ entry, flags = [], env = {}, signal, onPrint }: ChildOptions) {
    this.#onPrint = onPrint;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--cached-only", "--no-check", ...flags, entry.href],
      env: { NO_COLOR: "1", ...env },
      // A job's relative paths are meant from the folder of its user.
      cwd: userFolder(),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#process.stdin.getWriter();
    this.#stdout = new Inbox(this.#process.stdout);
    this.#stderrEnd = this.#drain(this.#process.stderr);
    this.#process.status.then(() => this.#exited = true);
    this.#signal = signal;
    if (signal?.aborted) this.stop();
    else signal?.addEventListener("abort", this.stop);
  }

  /** Its number, by which the system knows it. */
  get pid(): number {
    return this.#process.pid;
  }

  async #drain(stderr: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stderr) {
      const text = decoder.decode(bytes, { stream: true });
      this.#stderr = (this.#stderr + text).slice(-TAIL);
      this.#onPrint?.(text);
    }
  }

  #kill(signal: Deno.Signal): void {
    try {
      if (!this.#exited) this.#process.kill(signal);
    } catch {
      // It ended in between.
    }
  }

  /** Asks it to end, and makes it end soon after. */
  readonly stop = (): void => {
    if (this.#killTimer !== undefined) return;
    this.#kill("SIGTERM");
    this.#killTimer = setTimeout(() => this.#kill("SIGKILL"), GRACE_MS);
  };

  /** Tells it something. */
  async send(message: unknown): Promise<void> {
    try {
      await this.#stdin.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
    } catch {
      // It has ended: next() and howItEnded() tell of that.
    }
  }

  /** Waits for its next message; undefined if it will say nothing more. */
  async next(): Promise<{ type: string } | undefined> {
    for (let line = await this.#stdout.next(); line !== undefined;) {
      const message = this.#messages.take(line);
      if (message !== undefined) return message;
      if (!this.#messages.isMessage(line)) this.#onPrint?.(`${line}\n`);
      line = await this.#stdout.next();
    }
    return undefined;
  }

  /** Waits for its end, and says how it came: its exit code or signal, and the last it wrote to stderr. */
  async howItEnded(): Promise<string> {
    const { code, signal } = await this.#process.status;
    await this.#stderrEnd;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const lines = this.#stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    const tail = lines.slice(-6).join(" | ");
    return tail === "" ? how : `${how}: ${tail}`;
  }

  /** Ends it, and waits until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener("abort", this.stop);
    await this.#stdin.close().catch(() => {});
    const timer = this.#exited ? undefined : setTimeout(this.stop, GRACE_MS);
    await this.#process.status;
    clearTimeout(timer);
    clearTimeout(this.#killTimer);
    await Promise.all([this.#stdout.ended, this.#stderrEnd]);
  }
}
