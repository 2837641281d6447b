/**
 * How a child that measures and its parent talk: lines behind a mark, of which one or several hold a
 * message as JSON.
 *
 * The mark is random and new for every child, so that nothing a task prints to stdout, not even half
 * a line, is taken for a message. No line is longer than what a pipe takes in one piece, so that no
 * thread or program that prints at the same moment comes into the midst of it.
 *
 * @module
 */

/** Makes the mark for one child. */
export function makeMark(): string {
  return `\x1e${crypto.randomUUID()} `;
}

/** PIPE_BUF: what is no longer than this a pipe takes in one piece, whoever else writes to it. */
const WHOLE_BYTES = Deno.build.os === "linux" ? 4096 : 512;
/** What follows the mark: whether the message goes on in a further line. */
const GOES_ON = "+";
const ENDS = ".";

/** Writes messages to stdout. */
export class MessageWriter {
  readonly #encoder = new TextEncoder();
  readonly #line = new Uint8Array(WHOLE_BYTES);
  readonly #from: number;

  constructor(mark: string) {
    this.#from = this.#encoder.encodeInto(mark, this.#line).written + 1;
  }

  /** Writes one message, at once and whole: the process may exit next. */
  write(message: unknown): void {
    let rest = this.#encoder.encode(JSON.stringify(message));
    const room = WHOLE_BYTES - this.#from - 1;
    do {
      let count = Math.min(rest.length, room);
      // A character isn't cut: each line is decoded by itself.
      while (count < rest.length && (rest[count]! & 0xc0) === 0x80) count--;
      this.#line[this.#from - 1] = (count < rest.length ? GOES_ON : ENDS).charCodeAt(0);
      this.#line.set(rest.subarray(0, count), this.#from);
      this.#line[this.#from + count] = 10;
      let bytes = this.#line.subarray(0, this.#from + count + 1);
      while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
      rest = rest.subarray(count);
    } while (rest.length > 0);
  }
}

/** Finds a child's messages among the lines of its stdout. */
export class MessageReader {
  readonly #mark: string;
  #parts: string[] = [];

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** Whether a line holds a message or a part of one, perhaps behind something else. */
  isMessage(line: string): boolean {
    return line.includes(this.#mark);
  }

  /** The message that a line completes; undefined if it completes none. */
  take(line: string): { type: string } | undefined {
    const at = line.lastIndexOf(this.#mark);
    if (at < 0) return undefined;
    const from = at + this.#mark.length;
    this.#parts.push(line.slice(from + 1));
    if (line[from] === GOES_ON) return undefined;
    const text = this.#parts.join("");
    this.#parts = [];
    try {
      const message = JSON.parse(text);
      return typeof message?.type === "string" ? message : undefined;
    } catch {
      return undefined;
    }
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
