/** The parent's side of a child process that measures. */

import { userFolder } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import { Child } from "../lanes/subprocess/child.ts";
import { after, afterLimit, within } from "../lanes/timers.ts";
import { Inbox, lineOf } from "./parent.ts";

/** How long a child may take to end after it was asked to, in milliseconds. */
const GRACE_MS = 800;

const CHUNK_BYTES = 1 << 16;

async function* bytesFrom(child: Child): AsyncGenerator<Uint8Array> {
  for (let bytes; (bytes = await child.read(new Uint8Array(CHUNK_BYTES))) !== undefined;) {
    yield bytes;
  }
}

export class TrialError extends Error {
  override name = "TrialError";
}

interface AnyMessage {
  readonly type: string;
  readonly result?: unknown;
  readonly name?: string;
  readonly message?: string;
}

export interface MeasuringChildOptions {
  readonly entry: URL;
  readonly order: unknown;
  /** Deno's flags for the child's project and permissions; none by default. */
  readonly flags?: readonly string[];
  /** Further environment variables of the child. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly guardMs?: number;
  /** Called with what the child and its tasks print; by default that is dropped. */
  readonly onPrint?: (text: string) => void;
}

/** Functions that kill the running children, so that none is left behind if the program exits at once. */
const running = new Set<() => void>();
addEventListener("unload", () => running.forEach((kill) => kill()));

/** Starts a child; throws NotCapable if this process may not run Deno. */
function start(options: ConstructorParameters<typeof Child>[0]): Child {
  try {
    return new Child(options);
  } catch (error) {
    throw (error as Error).cause;
  }
}

export class MeasuringChild<Message extends { readonly type: string } = { readonly type: string }>
  implements AsyncDisposable {
  /** Whether the child was stopped because it took longer than `guardMs`. */
  isLate = false;
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Child;
  readonly #messages: Inbox;
  readonly #signal: AbortSignal | undefined;
  #guardMs: number | undefined;
  #unguard = () => {};
  #forget: (() => void) | undefined;

  /** Throws NotCapable if this process may not run Deno. */
  constructor(
    { entry, order, flags = [], env = {}, signal, guardMs, onPrint }: MeasuringChildOptions,
  ) {
    this.#child = start({
      args: ["--quiet", "--no-prompt", "--cached-only", "--no-check", ...flags, entry.href],
      // Messages use other descriptors: tasks, and programs they start, may read stdin and print.
      startsPrograms: true,
      ...{ stderr: "keep", onPrint, env },
      // A job's relative paths start at its user's folder.
      cwd: userFolder(),
    });
    this.ended = this.#child.status;
    this.#messages = new Inbox(bytesFrom(this.#child));
    const kill = () => this.#child.kill();
    running.add(kill);
    void this.ended.then(() => running.delete(kill));
    this.#signal = signal;
    this.guard(guardMs);
    this.send(order);
    if (signal?.aborted) this.stop();
    else signal?.addEventListener("abort", this.stop);
  }

  /** Sets how many milliseconds from now the child may take before it is stopped; undefined for no limit. */
  guard(ms?: number): void {
    this.#unguard();
    this.#guardMs = ms;
    this.#unguard = afterLimit(ms ?? Infinity, () => {
      this.isLate = true;
      this.stop();
    });
  }

  /** The child's process number. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Asks the child to end, and kills it if it hasn't after 0.8 seconds. */
  readonly stop = (): void => {
    if (this.#forget !== undefined) return;
    this.#child.kill("SIGTERM");
    this.#forget = after(GRACE_MS, () => this.#child.kill());
  };

  /** Resolves once the message is written; if the child has ended, next() and howItEnded() report that. */
  send(message: unknown): Promise<void> {
    return this.#child.write(lineOf(message));
  }

  /** Waits for the child's next message; undefined if there will be none. */
  async next(): Promise<Message | undefined> {
    for (let line; (line = await this.#messages.next()) !== undefined;) {
      // A line cut off by the child's death is no message, nor is what a task's program writes there.
      const message = attempt(() => JSON.parse(line!) as Message);
      if (typeof message?.type === "string") return message;
    }
    return undefined;
  }

  /** The same; after this many milliseconds it stops the child and gives undefined. */
  nextWithin(ms: number): Promise<Message | undefined> {
    return within<Message | undefined>(ms, this.next(), () => void this.stop());
  }

  /** Waits for the result of `answerParent()`; throws a TrialError with the reason if there is none. */
  async result<Result>(
    name: string,
    onMessage: (message: Message) => unknown = () => {},
  ): Promise<Result> {
    while (true) {
      const message: AnyMessage | undefined = await this.next();
      this.#signal?.throwIfAborted();
      if (message?.type === "result") return message.result as Result;
      if (this.isLate) throw new TrialError(`${name} did not end within ${this.#guardMs} ms`);
      if (message === undefined || message.type === "error") {
        const why = message ? `${message.name}: ${message.message}` : await this.howItEnded();
        throw new TrialError(`${name} gave no result: ${why}`, { cause: message });
      }
      await onMessage(message as Message);
    }
  }

  /** Waits for the child's end, and describes it: the exit code or signal, and the last lines it printed. */
  async howItEnded(): Promise<string> {
    const { code, signal } = await this.ended;
    await this.#child.ended;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const lines = this.#child.lastLines.slice(-6);
    return lines.length === 0 ? how : `${how}: ${lines.join(" | ")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unguard();
    this.#signal?.removeEventListener("abort", this.stop);
    void this.send(undefined);
    const forget = after(GRACE_MS, this.stop);
    await this.#child.ended;
    forget();
    this.#forget?.();
    await this.#messages.ended;
  }
}
