/** Reads items from the lines of a file or of standard input, only as far as they are needed. */

import { UsageError } from "../text/option_values.ts";

export type LineFormat = "text" | "json";

/** The longest line, in characters: a file with a longer one isn't a list, or its line never ends. */
const MOST_LINE = 2 ** 28;

/** Matches lines that may hold a number with more digits, or a greater one, than JavaScript can keep. */
const LONG_NUMBER = /[\d.]{16}|\de\+?\d{3}/i;

/** Parses a line. Throws a RangeError for an integer that isn't kept exactly, or a number that is too large. */
function valueOf(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, checked) : JSON.parse(text);
}

function checked(_key: string, value: unknown, { source = "" }: { source?: string } = {}): unknown {
  const isKept = typeof value !== "number" || (Number.isFinite(value) &&
    (!/^-?\d+$/.test(source) || BigInt(value) === BigInt(source)));
  if (!isKept) {
    throw new RangeError(`it holds ${source}, a number that JavaScript can't keep; quote it`);
  }
  return value;
}

/** Reads lines as items; empty lines are left out. */
export class ItemLines implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** The start of a line whose end hasn't been read yet. */
  #begun = "";
  #lines: string[] = [];
  #line = 0;
  #ended = false;

  /** @param name The file's name as the user gave it, for errors. */
  constructor(
    private readonly name: string,
    stream: ReadableStream<Uint8Array>,
    private readonly format: LineFormat,
    private readonly mostLine = MOST_LINE,
  ) {
    this.#reader = stream.getReader();
  }

  /** The items that have come, waiting for at least one; none at the end. Throws a UsageError naming a line. */
  async next(): Promise<unknown[]> {
    const items: unknown[] = [];
    while (items.length === 0 && (this.#lines.length > 0 || !this.#ended)) {
      if (this.#lines.length === 0) await this.#read();
      const wrong = this.#lines.findIndex((line) => !this.#take(line, items));
      this.#lines = wrong < 0 ? [] : this.#lines.slice(wrong);
    }
    return items;
  }

  /** Adds a line's item; false for a wrong line after others, whose items are returned first. */
  #take(line: string, items: unknown[]): boolean {
    const text = line.replace(/\r$/, "");
    try {
      if (text.trim() !== "") items.push(this.format === "text" ? text : valueOf(text));
      this.#line++;
      return true;
    } catch (cause) {
      if (items.length > 0) return false;
      throw new UsageError(
        `--from ${this.name}, line ${this.#line + 1},`,
        text,
        cause instanceof RangeError ? cause.message : "not JSON",
        "mend it, or take lines as they are with --lines text",
        { cause },
      );
    }
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read();
    const lines = this.#decode(value, done).split("\n");
    lines[0] = this.#begun + lines[0];
    this.#begun = lines.pop()!;
    this.#ended = done;
    this.#lines = lines;
    if (this.#begun.length > this.mostLine) {
      throw new UsageError(
        "--from",
        this.name,
        `line ${this.#line + this.#lines.length + 1} is longer than ${this.mostLine} characters`,
        "give a file with an item on each line",
      );
    }
    if (done) this.#lines.push(this.#begun);
  }

  #decode(bytes: Uint8Array | undefined, isLast: boolean): string {
    try {
      return this.#decoder.decode(bytes, { stream: !isLast });
    } catch (cause) {
      const where = this.#line === 0 ? "it isn't" : `after line ${this.#line} it isn't`;
      const remedy = "convert it, as with iconv -t UTF-8";
      throw new UsageError("--from", this.name, `${where} text in UTF-8`, remedy, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** Reads a whole file once before anything runs, to find wrong lines; returns how many items it has. */
export async function countItems(name: string, path: string, format: LineFormat): Promise<number> {
  await using lines = new ItemLines(name, (await Deno.open(path)).readable, format);
  let count = 0;
  for (let items; (items = await lines.next()).length > 0;) count += items.length;
  return count;
}
