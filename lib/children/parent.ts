/**
 * How a child that measures and its parent talk, and the child's side of it: in lines of JSON on
 * descriptors of their own, for tasks and what they start may read stdin and print. The first is the child's
 * order; it ends when its parent says so, or is gone. It imports no npm package.
 */

import { read, writeSync } from "node:fs";

/** What is told stays JSON, whatever a job makes of it. */
const { stringify } = JSON;

/** So much later than its children a program may learn of a signal that ends both, in milliseconds. */
export const TOLD_LATER_MS = 100;

/** The descriptors on which the child hears and speaks. */
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
  // Decoded here rather than by a TextDecoderStream, whose pipe keeps its own promise of failure.
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

/** A line of what they say to each other; an empty one says that there will be no more. */
export function lineOf(message: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${message === undefined ? "" : stringify(message)}\n`);
}

/** Lines as they arrive, read whether anyone waits for them or not: only so is the end seen. */
export class Inbox {
  readonly #lines: string[] = [];
  #over = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves when there will be no more, whatever is still unread. */
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
      // A broken pipe is an end too: whoever wrote is gone.
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

/** How long a child may take to end once nobody wants its result any more, in milliseconds. */
const LAST_MS = 2000;

interface Parent<Order> {
  readonly order: Order;
  readonly inbox: Inbox;
  /** Tells it something, at once and whole. */
  readonly tell: <Message extends { readonly type: string }>(message: Message) => void;
  /** Aborted when it wants the child to end, or is gone; soon after, the process ends. */
  readonly signal: AbortSignal;
}

/** Figures by another clock would be wrong, so a job that brings one, as for simulated time, is told. */
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
 * Until tasks run, whoever reads stdin is told that it can't be, instead of finding it empty: a job's items
 * are made anew in each of several processes, and stdin could be read once. For tasks it is at its end.
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
 * Connects to the parent: reads its order, and from then on ends with it. What tasks print with `console` goes
 * to stderr. When the parent wants an end (SIGTERM, unless `onTerm` says otherwise) or orders end, the signal
 * aborts, and 2 seconds later the process ends whatever it does, unless it is in a busy loop. SIGINT and
 * SIGHUP are ignored: the terminal sends them to every process of the group, and only the parent decides
 * what they mean.
 *
 * @throws {Error} If they end before there was one.
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
    // Lanes that don't start, and tasks that don't stop, must not keep the process.
    setTimeout(() => Deno.exit(1), LAST_MS);
  };
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => {});
  if (onTerm !== "dies" && Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", onTerm === "aborts" ? end : () => {});
  }
  inbox.ended.then(end);
  const tell = (message: unknown) => {
    // At once and whole: the process may exit next.
    for (let rest = lineOf(message); rest.length > 0;) {
      rest = rest.subarray(writeSync(SPEAK_FD, rest));
    }
  };
  return { order, inbox, tell, signal: ending.signal };
}

/** Does what a child was started for, tells its parent the result or the error, and ends. */
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
  // Not only a return: a worker that ignores its deadline would keep the process for ever.
  Deno.exit(0);
}
