/** A file of whole lines to which lines are only added; one that is torn at its end can be cut off. */

import { clock, type Timer } from "../lanes/timers.ts";
import { firstLine } from "../text/print.ts";

export type SyncPolicy = "always" | "end" | { readonly everyMs: number };

/** A file of records can't be continued. */
export class RecordError extends Error {
  override name = "RecordError";

  /** Lines can't be written; those written before are whole. */
  static unwritten(where: string, cause: unknown): RecordError {
    const why = firstLine(cause);
    const message = `${where} can't be written (${why}); what was written before is whole`;
    return new RecordError(message, { cause });
  }
}

/** A file is no longer at its path, nor are the lines that were written to it. */
export class RemovedError extends RecordError {
  constructor(readonly path: string) {
    super(`${path} was removed, moved or replaced by something else, and its lines with it`);
  }
}

/** How many bytes of a line's start identify its kind. */
const HEAD_BYTES = 64;
const NEWLINE = 10;
const CHUNK_BYTES = 1 << 16;

/** Takes the start of a line, its last character, and the offset of the next line in bytes. */
type LineTaker = (head: string, last: string, end: number) => void;

export class RecordFile implements AsyncDisposable {
  #isSafe = true;
  /** Settles when the file was made safe from a loss of power; rejected until a failure is told. */
  #safe: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;

  private constructor(
    readonly path: string,
    private readonly file: Deno.FsFile,
    private readonly sync: SyncPolicy,
    private size: number,
  ) {}

  /** Opens a file, and creates it if there is none. */
  static async open(path: string, sync: SyncPolicy): Promise<RecordFile> {
    const file = await Deno.open(path, { read: true, append: true, create: true });
    return new RecordFile(path, file, sync, (await file.stat()).size);
  }

  /** Locks the file until it is closed or this process ends; false if another process has locked it. */
  async lock(): Promise<boolean> {
    return await this.file.tryLock(true);
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Whether the open file is no longer at its path: it was removed or moved, or another one took its place. */
  async isRemoved(): Promise<boolean> {
    try {
      const [{ dev, ino }, there] = await Promise.all([this.file.stat(), Deno.stat(this.path)]);
      return dev !== there.dev || ino !== there.ino;
    } catch (error) {
      return error instanceof Deno.errors.NotFound;
    }
  }

  /** @throws {RemovedError} If the file is no longer at its path. */
  async checkThere(): Promise<void> {
    if (await this.isRemoved()) throw new RemovedError(this.path);
  }

  /** Calls `take` with every whole line, from the first; returns the size of the file in bytes. */
  async eachLine(take: LineTaker): Promise<number> {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(CHUNK_BYTES);
    const head = new Uint8Array(HEAD_BYTES);
    let headLength = 0;
    let last = 0;
    let offset = 0;
    await this.file.seek(0, Deno.SeekMode.Start);
    for (let count = await this.file.read(chunk); count !== null;) {
      const bytes = chunk.subarray(0, count);
      for (let from = 0; from < count;) {
        const newline = bytes.indexOf(NEWLINE, from);
        const to = newline < 0 ? count : newline;
        const more = bytes.subarray(from, Math.min(to, from + HEAD_BYTES - headLength));
        head.set(more, headLength);
        headLength += more.length;
        if (to > from) last = bytes[to - 1]!;
        if (newline >= 0) {
          take(
            decoder.decode(head.subarray(0, headLength)),
            String.fromCharCode(last),
            offset + to + 1,
          );
          headLength = last = 0;
        }
        from = to + 1;
      }
      offset += count;
      count = await this.file.read(chunk);
    }
    return offset;
  }

  /** The first line, or the part of it that the first read returns, and whether it is whole. */
  async firstLine(): Promise<{ readonly text: string; readonly whole: boolean }> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    await this.file.seek(0, Deno.SeekMode.Start);
    const text = new TextDecoder().decode(chunk.subarray(0, await this.file.read(chunk) ?? 0));
    const end = text.indexOf("\n");
    return { text: end < 0 ? text : text.slice(0, end), whole: end >= 0 };
  }

  /** Cuts the file to `size` bytes, the end of its last whole line. */
  async cutTo(size: number): Promise<void> {
    await this.file.truncate(size);
    this.size = size;
  }

  /** Throws a RecordError if not all lines can be written, and then keeps none, or if the file was changed. */
  async add(lines: string): Promise<void> {
    if (lines === "") return;
    const bytes = new TextEncoder().encode(lines);
    try {
      for (let rest = bytes; rest.length > 0;) {
        rest = rest.subarray(await this.file.write(rest));
      }
      this.#isSafe = false;
      if (typeof this.sync === "object") {
        this.#timer ??= clock.setTimeout(
          () => void this.makeSafe().catch(() => {}),
          this.sync.everyMs,
        );
      }
      await (this.sync === "always" ? this.makeSafe() : this.#safe);
    } catch (cause) {
      this.#safe = Promise.resolve();
      await this.file.truncate(this.size).catch(() => {});
      throw RecordError.unwritten(this.path, cause);
    }
    this.size += bytes.length;
    await this.checkThere();
    const { size, isFile } = await this.file.stat();
    if (!isFile || size === this.size) return;
    throw new RecordError(
      `${this.path} was changed by something else: it has ${size} B, and ${this.size} B were ` +
        "written; lines of it may be gone",
    );
  }

  /** Removes the file, unless that was done already. */
  async discard(): Promise<void> {
    if (!await this.isRemoved()) await Deno.remove(this.path);
  }

  /** Makes what was written safe from a loss of power. */
  makeSafe(): Promise<void> {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#safe = this.#safe.then(async () => {
      if (this.#isSafe) return;
      this.#isSafe = true;
      await this.file.syncData();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.makeSafe();
    } catch (cause) {
      throw RecordError.unwritten(this.path, cause);
    } finally {
      // Closing isn't enough: a child process that is just starting shares the open file, and so the lock.
      await this.file.unlock().catch(() => {});
      this.file.close();
    }
  }
}
