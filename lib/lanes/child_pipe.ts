/**
 * A child process and the pipes to it: starts it, writes to it, reads its frames, ends it.
 *
 * @module
 */

import { LaneStartError } from "./errors.ts";
import { type Frame, GarbageError } from "./frame.ts";
import { FrameDecoder } from "./frame_decoder.ts";
import { nearestConfig } from "./nearest_config.ts";
import { release, watchOver } from "./reaper.ts";
import { type LanePermissions, permissionFlags } from "./subprocess_permissions.ts";
import type { Task } from "./task.ts";

/** How long a child that was told to end may take before it is killed. */
const CLOSE_GRACE_MS = 500;
/** How much is read at once: what a pipe holds. */
const READ_BYTES = 1 << 16;
/** How much of a child's last words is kept for the error that reports its death. */
const STDERR_KEPT = 4096;

/** What a child is to be. */
export interface ChildOptions {
  /** Slots on the lane, from 1. */
  readonly slots: number;
  /** Tasks whose modules the child loads at its start, which needs no permission. */
  readonly tasks: readonly Task[];
  /** What the child may touch; nothing unless given. */
  readonly permissions?: LanePermissions;
  /** Flags for the child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[];
  /** The deno.json of the child; the one nearest to the first task's module unless given. */
  readonly config?: string;
  /** What becomes of the child's stderr: shown on this program's, the default, or only kept for errors. */
  readonly stderr?: "show" | "keep";
  /** Whether SIGINT, SIGTERM and SIGHUP end this program after killing the child. Default true. */
  readonly exitOnSignal?: boolean;
}

/** What a child pipe is made of. */
export interface ChildPipeOptions extends ChildOptions {
  /** Whether the tasks' modules are loaded before the child listens; if not, it must be let read them. */
  readonly preload: boolean;
  /** Told of every frame that the child wrote, in order. */
  readonly onFrame: (frame: Frame) => void;
  /** The child has ended by itself, or was ended for writing garbage; all its frames were read. */
  readonly onEnd: (how: string) => void;
}

/** A running child. */
export class ChildPipe {
  /** Resolves when the child has ended and its pipes are closed. */
  readonly ended: Promise<void>;
  readonly #options: ChildPipeOptions;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #lastWords = "";
  #garbage: string | undefined;
  #heard = false;
  #closing = false;

  /**
   * Starts the child.
   *
   * @param options What to start and whom to tell.
   * @throws {LaneStartError} If this program may not run it.
   */
  constructor(options: ChildPipeOptions) {
    this.#options = options;
    this.#child = spawn(options);
    watchOver(this.#child, options.exitOnSignal ?? true);
    this.#writer = this.#child.stdin.getWriter();
    // A dead child breaks the pipe; its status says so, and why.
    this.#writer.closed.catch(() => {});
    this.ended = this.#watch();
  }

  /**
   * Writes a frame's parts; what a dead child no longer takes is dropped.
   *
   * @param parts Bytes, in order.
   */
  write(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#writer.write(part).catch(() => {});
  }

  /** Ends the child at once. */
  kill(): void {
    this.#closing = true;
    this.#sigkill();
  }

  /** Asks the child to end, kills it if it doesn't, and waits until it is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#writer.close().catch(() => {});
    const timer = setTimeout(() => this.#sigkill(), CLOSE_GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #sigkill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  async #watch(): Promise<void> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#readFrames(),
      this.#drainStderr(),
    ]);
    release(this.#child);
    await this.#writer.abort().catch(() => {});
    if (!this.#closing) this.#options.onEnd(this.#describe(status));
  }

  async #readFrames(): Promise<void> {
    const decoder = new FrameDecoder();
    const { onFrame } = this.#options;
    const reader = this.#child.stdout.getReader({ mode: "byob" });
    try {
      let scratch = new Uint8Array(READ_BYTES);
      while (true) {
        const { missing } = decoder;
        const { value, done } = missing === undefined
          ? await reader.read(scratch)
          : await reader.read(missing, { min: missing.length });
        if (done || value === undefined) break;
        this.#heard = true;
        if (missing === undefined) {
          decoder.push(value, onFrame);
          scratch = new Uint8Array(value.buffer);
        } else {
          decoder.filled(value, onFrame);
        }
      }
    } catch (error) {
      if (!(error instanceof GarbageError)) throw error;
      this.#garbage = error.message;
      this.#sigkill();
      await reader.cancel();
    }
  }

  async #drainStderr(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) {
      this.#lastWords = (this.#lastWords + decoder.decode(bytes, { stream: true })).slice(
        -STDERR_KEPT,
      );
      // What it says before it can take tasks is about its start, and goes into that error.
      if (this.#options.stderr !== "keep" && this.#heard) {
        for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
      }
    }
  }

  #describe({ code, signal }: Deno.CommandStatus): string {
    if (this.#garbage !== undefined) return this.#garbage;
    const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    const words = this.#lastWords.trim().split("\n").filter((line) => line.trim() !== "");
    const fatal = words.find((line) => /fatal|error|panicked/i.test(line)) ?? words.at(-1);
    return fatal === undefined ? how : `${how}; it said: ${fatal.trim().slice(0, 200)}`;
  }
}

function spawn(options: ChildPipeOptions): Deno.ChildProcess {
  const { tasks, v8Flags = [], preload } = options;
  const modules = [...new Set(tasks.map(({ module }) => module))].filter(isFile);
  const config = options.config ?? nearestConfig(modules[0] ?? import.meta.url);
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    ...(config === undefined ? [] : [`--config=${config}`]),
    ...(v8Flags.length > 0 ? [`--v8-flags=${v8Flags.join()}`] : []),
    ...permissionFlags(preload ? options.permissions : withFolders(options, modules)),
    ...preload
      ? preloads([new URL("./subprocess_guard.ts", import.meta.url).href, ...modules])
      : [],
    new URL("./subprocess_main.ts", import.meta.url).href,
    String(options.slots),
  ];
  try {
    return new Deno.Command(Deno.execPath(), {
      args,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LaneStartError(
      `Cannot start a subprocess lane: ${why}; subprocesses need --allow-run=${Deno.execPath()}`,
      { cause },
    );
  }
}

function preloads(modules: readonly string[]): string[] {
  return modules.map((module) => `--preload=${module}`);
}

function isFile(module: string): boolean {
  return module.startsWith("file:");
}

/** Permissions that let a child import modules at run time: it must read their folders. */
function withFolders(options: ChildPipeOptions, modules: readonly string[]) {
  const read = options.permissions?.read;
  if (read === true) return options.permissions;
  const folders = modules.map((module) => decodeURIComponent(new URL(".", module).pathname));
  return { ...options.permissions, read: [...(read || []), ...folders] };
}
