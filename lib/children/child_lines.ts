/**
 * How a child that measures and its parent talk: one line of JSON a message, behind a mark.
 *
 * The mark is random and new for every child, so that nothing a task prints to stdout, not even half
 * a line, is taken for a message.
 *
 * @module
 */

/** Makes the mark for one child. */
export function makeMark(): string {
  return `\x1e${crypto.randomUUID()} `;
}

/** Writes messages to stdout. */
export class MessageWriter {
  readonly #mark: string;
  readonly #encoder = new TextEncoder();

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** Writes one message, at once and whole. */
  write(message: unknown): void {
    let bytes = this.#encoder.encode(`${this.#mark}${JSON.stringify(message)}\n`);
    // Written until all is out, though a pipe takes 64 KiB at a time: the process may exit next.
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  }
}

/** The lines of a stream of UTF-8. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
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

/** The message in a line of a child's stdout; undefined if it holds none. */
export function messageIn(line: string, mark: string): { type: string } | undefined {
  const at = line.lastIndexOf(mark);
  if (at < 0) return undefined;
  try {
    const message = JSON.parse(line.slice(at + mark.length));
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Lines as they arrive, read whether anyone waits for them or not: only so is the end seen. */
export class Inbox {
  readonly #lines: string[] = [];
  #over = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves when the stream has ended, whatever is still unread. */
  readonly ended: Promise<void>;

  /** Begins to read a stream of UTF-8. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    try {
      for await (const line of linesOf(stream)) {
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
