/**
 * Messages between a measuring child and its parent, and the child's side: lines of JSON on descriptors of
 * their own, because tasks and the programs they start may read stdin and print. The first line is the child's
 * order. The child ends when its parent wants that or is gone. It imports no npm package.
 */

import { read, writeSync } from "node:fs";
import { clock } from "../lanes/timers.ts";

/** Kept here so that messages stay JSON even if a job replaces `JSON.stringify`. */
const { stringify } = JSON;

/** How much later than its children a program may receive a signal that ends both, in milliseconds. */
export const TOLD_LATER_MS = 100;

/** The descriptors from which the child reads messages and to which it writes them. */
const HEAR_FD = 3;
const SPEAK_FD = 4;
const CHUNK_BYTES = 1 << 16;

async function* bytesOf(fd: number): AsyncGenerator<Uint8Array> {
  while (true) {
    const bytes = new Uint8Array(CHUNK_BYTES);
    const count = await new Promise<number>((resolve, reject) => {
      read(
        fd,
        bytes,
        0,
        bytes.length,
        null,
        (error, count) => error ? reject(error) : resolve(count),
      );
    });
    if (count === 0) return;
    yield bytes.subarray(0, count);
  }
}

/** The lines of a stream of UTF-8. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Decoded here because the pipe of a TextDecoderStream has a promise of its own that may reject.
  const decoder = new TextDecoder();
  let pending: string[] = [];
  for await (const bytes of stream) {
    const parts = decoder.decode(bytes, { stream: true }).split("\n");
    for (const part of parts.slice(0, -1)) {
      pending.push(part);
      yield pending.join("");
      pending = [];
    }
    pending.push(parts.at(-1)!);
  }
  const last = pending.join("") + decoder.decode();
  if (last !== "") yield last;
}

/** A message as a line; an empty line means that there will be no more. */
export function lineOf(message: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${message === undefined ? "" : stringify(message)}\n`);
}

/** Lines as they arrive. They are read even if nobody waits for them, so that their end is noticed. */
export class Inbox {
  readonly #lines: string[] = [];
  #over = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves when no more lines will come, even if some are unread. */
  readonly ended: Promise<void>;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async #read(stream: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const line of linesOf(stream)) {
        if (line === "") break;
        this.#lines.push(line);
        this.#wake();
      }
    } catch {
      // A broken pipe is an end, too: the writer is gone.
    }
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits for the next line; undefined after the last. */
  async next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#over) await this.#changed.promise;
    return this.#lines.shift();
  }
}

/** How long a child may take to end once its result isn't wanted any more, in milliseconds. */
const LAST_MS = 2000;

interface Parent<Order> {
  readonly order: Order;
  readonly inbox: Inbox;
  /** Sends the parent a message, at once and completely. */
  readonly tell: <Message extends { readonly type: string }>(message: Message) => void;
  /** Aborts when the parent wants the child to end, or is gone; soon after, the process ends. */
  readonly signal: AbortSignal;
}

/** Makes replacing `performance.now` throw: figures by another clock, such as simulated time, are wrong. */
function keepClock(): void {
  const now = performance.now.bind(performance);
  for (
    const [of, name, value] of [[performance, "now", now], [globalThis, "performance", performance]]
  ) {
    Object.defineProperty(of, name as string, {
      configurable: true,
      get: () => value,
      set() {
        throw new TypeError("performance.now can't be replaced: it is what times the tasks");
      },
    });
  }
}

/**
 * Until tasks run, reading stdin throws, instead of finding it empty: a job's items are made anew in each of
 * several processes, but stdin could be read only once. For tasks stdin is at its end.
 */
export function refuseStdin(hasBegun: () => boolean): void {
  const own: unknown = Object.getPrototypeOf(Deno.stdin);
  for (const name of ["read", "readSync", "readable"]) {
    const get = () => {
      if (hasBegun()) return Reflect.get(own as object, name, Deno.stdin);
      throw new TypeError(
        "stdin can't be read by a job, whose items are made several times: read a file by its path, " +
          "or have deno task run take the items from stdin (--from -)",
      );
    };
    Object.defineProperty(Deno.stdin, name, { get });
  }
}

/**
 * Connects to the parent: reads its order, and from then on ends with it. `console` output of tasks goes to
 * stderr. When the parent wants an end (SIGTERM, unless `onTerm` says otherwise) or its messages end, the
 * signal aborts, and 2 seconds later the process exits unless it is in a busy loop. SIGINT and SIGHUP are
 * ignored: the terminal sends them to every process of the group, and only the parent decides what they mean.
 *
 * @throws {Error} If messages end before there was an order.
 */
export async function connectToParent<Order>(
  { onTerm = "aborts" }: { readonly onTerm?: "aborts" | "dies" | "goes on" } = {},
): Promise<Parent<Order>> {
  for (const name of ["log", "info", "debug", "dir", "table"] as const) {
    console[name] = console.error;
  }
  keepClock();
  const inbox = new Inbox(bytesOf(HEAR_FD));
  const line = await inbox.next();
  if (line === undefined) throw new Error("Cannot begin: its orders ended before the first");
  const order: Order = JSON.parse(line);
  const ending = new AbortController();
  const end = () => {
    ending.abort();
    // Lanes that don't start and tasks that don't stop must not keep the process alive, nor must this timer.
    clock.hold(clock.setTimeout(() => Deno.exit(1), LAST_MS), false);
  };
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => {});
  if (onTerm !== "dies" && Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", onTerm === "aborts" ? end : () => {});
  }
  inbox.ended.then(end);
  const tell = (message: unknown) => {
    // Written synchronously and completely: the process may exit next.
    for (let rest = lineOf(message); rest.length > 0;) {
      rest = rest.subarray(writeSync(SPEAK_FD, rest));
    }
  };
  return { order, inbox, tell, signal: ending.signal };
}

/** Does a child's work, sends its parent the result or the error, and ends the process. */
export async function answerParent<Order>(
  answer: (parent: Parent<Order>) => Promise<unknown>,
): Promise<never> {
  const parent = await connectToParent<Order>();
  try {
    parent.tell({ type: "result", result: await answer(parent) });
  } catch (error) {
    const { name, message } = error instanceof Error
      ? error
      : { name: "Error", message: String(error) };
    parent.tell({ type: "error", name, message });
  }
  // Returning isn't enough: a worker that ignores its deadline would keep the process alive forever.
  Deno.exit(0);
}
