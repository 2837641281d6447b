/** A child process that measures, as its parent sees it. */

import { userFolder } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import {
  type ByteStream,
  closeDescriptors,
  ownDescriptor,
  WITH_DESCRIPTOR,
} from "../lanes/subprocess/child.ts";
import { Inbox, lineOf } from "./parent.ts";

/** How long a child may take to end after it was asked to, in milliseconds. */
const GRACE_MS = 800;

/** So much later than its children a program may learn of a signal that ends both, in milliseconds. */
export const TOLD_LATER_MS = 100;

/** How much of what it wrote to stderr is kept to explain its death, in characters. */
const TAIL = 4000;

const CHUNK_BYTES = 1 << 16;

/** An ended child's output is read on for so many turns of this program's event loop, so many milliseconds each. */
const LAST_TURNS = 20;
const TURN_MS = 5;

interface Output {
  /** The next of it; undefined at its end, and once it is cancelled. */
  readonly read: () => Promise<Uint8Array | undefined>;
  readonly cancel: () => void;
}

function outputOf(stream: ReadableStream<Uint8Array>): Output {
  const reader = stream.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: () => void reader.cancel(),
  };
}

/** What a child writes, to its end: what it started may hold it open for as long as it likes. */
async function* untilEnded(
  { read, cancel }: Output,
  ended: Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  let turns = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    if (turns++ < LAST_TURNS) timer = setTimeout(look, TURN_MS);
    else cancel();
  };
  let isOver = false;
  void ended.then(() => isOver || look());
  for (let bytes; (bytes = await read()) !== undefined;) yield bytes;
  isOver = true;
  clearTimeout(timer);
}

/** A child gave no result. */
export class TrialError extends Error {
  override name = "TrialError";
}

interface AnyMessage {
  readonly type: string;
  readonly result?: unknown;
  readonly name?: string;
  readonly message?: string;
}

export interface ChildOptions {
  readonly entry: URL;
  readonly order: unknown;
  /** Flags of Deno: its project, and what it may do; none by default. */
  readonly flags?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Stops it after so many milliseconds. */
  readonly guardMs?: number;
  /** Told what it and its tasks print; by default that is dropped. */
  readonly onPrint?: (text: string) => void;
}

/** Children that run: none is left behind where the program ends at once. */
const running = new Set<() => void>();
addEventListener("unload", () => running.forEach((kill) => kill()));

export class MeasuringChild<Message extends { readonly type: string } = { readonly type: string }>
  implements AsyncDisposable {
  /** Whether it was stopped because it took longer than it may. */
  isLate = false;
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #talk: ByteStream;
  readonly #messages: Inbox;
  readonly #printed: Promise<unknown>;
  readonly #signal: AbortSignal | undefined;
  #guardMs: number | undefined;
  #guard: ReturnType<typeof setTimeout> | undefined;
  #stderr = "";
  #exited = false;
  #killTimer: ReturnType<typeof setTimeout> | undefined;

  /** Throws NotCapable if this process may not run Deno. */
  constructor({ entry, order, flags = [], env = {}, signal, guardMs, onPrint }: ChildOptions) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--cached-only", "--no-check", ...flags, entry.href],
      env: { NO_COLOR: "1", ...env },
      // A job's relative paths are meant from the folder of its user.
      cwd: userFolder(),
      // It is talked to elsewhere: tasks, and what they start, may read and print.
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...WITH_DESCRIPTOR,
    }).spawn();
    this.ended = this.#process.status;
    this.#talk = ownDescriptor(this.#process);
    const said: Output = {
      read: () => this.#talk.read(new Uint8Array(CHUNK_BYTES), false),
      cancel: () => closeDescriptors(this.#process),
    };
    this.#messages = new Inbox(untilEnded(said, this.ended));
    const { stdout, stderr } = this.#process;
    const keep = (text: string) => this.#stderr = (this.#stderr + text).slice(-TAIL);
    this.#printed = Promise.all([this.#drain(stdout, onPrint), this.#drain(stderr, onPrint, keep)]);
    const kill = () => this.#kill("SIGKILL");
    running.add(kill);
    this.ended.then(() => {
      this.#exited = true;
      running.delete(kill);
    });
    this.#signal = signal;
    this.guard(guardMs);
    this.send(order);
    if (signal?.aborted) this.stop();
    else signal?.addEventListener("abort", this.stop);
  }

  /** Stops it after so many milliseconds from now, instead of what was said before; without a number never. */
  guard(ms?: number): void {
    clearTimeout(this.#guard);
    this.#guardMs = ms;
    if (ms === undefined) return;
    this.#guard = setTimeout(() => {
      this.isLate = true;
      this.stop();
    }, ms);
  }

  /** Its number, by which the system knows it. */
  get pid(): number {
    return this.#process.pid;
  }

  async #drain(
    stream: ReadableStream<Uint8Array>,
    ...told: readonly (((text: string) => unknown) | undefined)[]
  ): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of untilEnded(outputOf(stream), this.ended)) {
      const text = decoder.decode(bytes, { stream: true });
      for (const tell of told) tell?.(text);
    }
  }

  #kill(signal: Deno.Signal): void {
    // It may have ended in between.
    if (!this.#exited) attempt(() => this.#process.kill(signal));
  }

  /** Asks it to end, and makes it end soon after. */
  readonly stop = (): void => {
    if (this.#killTimer !== undefined) return;
    this.#kill("SIGTERM");
    this.#killTimer = setTimeout(() => this.#kill("SIGKILL"), GRACE_MS);
  };

  async send(message: unknown): Promise<void> {
    try {
      await this.#talk.write(lineOf(message));
    } catch {
      // It has ended: next() and howItEnded() tell of that.
    }
  }

  /** Waits for its next message; undefined if it will say nothing more. */
  async next(): Promise<Message | undefined> {
    for (let line; (line = await this.#messages.next()) !== undefined;) {
      // One that it was killed in is none, nor is what a program that a task started writes there.
      const message = attempt(() => JSON.parse(line!) as Message);
      if (typeof message?.type === "string") return message;
    }
    return undefined;
  }

  /** The same; undefined too, and the child is stopped, if it takes longer than so many milliseconds. */
  async nextWithin(ms: number): Promise<Message | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      this.stop();
      late.resolve(undefined);
    }, ms);
    return await Promise.race([this.next(), late.promise]).finally(() => clearTimeout(timer));
  }

  /** Waits for what `answerParent()` gives; throws a TrialError that says why there is nothing. */
  async result<Result>(
    name: string,
    onMessage: (message: Message) => unknown = () => {},
  ): Promise<Result> {
    while (true) {
      const message: AnyMessage | undefined = await this.next();
      this.#signal?.throwIfAborted();
      if (this.isLate) throw new TrialError(`${name} did not end within ${this.#guardMs} ms`);
      if (message?.type === "result") return message.result as Result;
      if (message === undefined || message.type === "error") {
        const why = message ? `${message.name}: ${message.message}` : await this.howItEnded();
        throw new TrialError(`${name} gave no result: ${why}`, { cause: message });
      }
      await onMessage(message as Message);
    }
  }

  /** Waits for its end, and says how it came: its exit code or signal, and the last it wrote to stderr. */
  async howItEnded(): Promise<string> {
    const { code, signal } = await this.ended;
    await this.#printed;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const lines = this.#stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    return [how, lines.slice(-6).join(" | ")].filter((part) => part !== "").join(": ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#guard);
    this.#signal?.removeEventListener("abort", this.stop);
    const timer = this.#exited ? undefined : setTimeout(this.stop, GRACE_MS);
    void this.send(undefined);
    await this.ended;
    clearTimeout(timer);
    clearTimeout(this.#killTimer);
    await Promise.all([this.#messages.ended, this.#printed]);
    closeDescriptors(this.#process);
  }
}
