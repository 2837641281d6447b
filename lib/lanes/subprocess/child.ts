/** A child process that runs Deno, and the bytes exchanged with it. */

import { attempt, wordsOf } from "../attempt.ts";
import { LaneStartError } from "../errors.ts";
import { internals, openSignalPipe } from "../platform.ts";
import { clock } from "../timers.ts";

/** How many milliseconds a child that was told to end may take before it is killed. */
const CLOSE_GRACE_MS = 500;
/** How many characters of a child's stderr are kept for the error that says how it ended. */
const STDERR_KEPT = 4096;
/**
 * An ended child's output is complete after this many turns of this event loop without any, each at least a
 * millisecond long, or after this many in all: a program that the child started may hold its pipes open, and
 * print without end.
 */
const QUIET_TURNS = 50;
const MOST_TURNS = 200;

export interface ChildOptions {
  /** The arguments after `deno run`, up to the program's own arguments. */
  readonly args: readonly string[];
  /**
   * Whether programs that the child starts may inherit its stdin and stdout. Frames then use descriptors of
   * their own, and what the child writes to stdout is printed.
   */
  readonly startsPrograms: boolean;
  /** Where the child's output goes: shown on this program's stderr, or kept for error messages. */
  readonly stderr: "show" | "keep";
  readonly onPrint?: ((text: string) => void) | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** The child's working folder; this program's own unless given. */
  readonly cwd?: string;
}

/** How a child ended, such as "exited with code 1", and the line of its output that says why. */
type ChildEnd = { readonly how: string; readonly words: string | undefined };

export class Child {
  /** How the child ended; resolves once all its output has been read. */
  readonly ended: Promise<ChildEnd>;
  readonly #child: Deno.ChildProcess;
  /** The first carrier of frames, and the wider one once it is open. */
  readonly #streams: ByteStream[];
  #from: ByteStream;
  #to: ByteStream;
  #isWide: boolean;
  #holds = true;
  readonly #printed: readonly ReadableStreamDefaultReader<Uint8Array>[];
  /** How many streams have not ended. */
  #open: number;
  #quietTurns = 0;
  #words = "";
  /** Output before the child was ready: it is about the start, and is shown only if the start succeeds. */
  #early: Uint8Array[] | undefined;

  /** @throws {LaneStartError} If the child can't be started, with the reason. */
  constructor(private readonly options: ChildOptions) {
    const { startsPrograms, stderr } = options;
    this.#early = stderr === "show" ? [] : undefined;
    this.#child = spawn(options);
    // Outside Linux the wider descriptor may not hold more than a pipe: macOS sockets begin with 8 KiB.
    this.#isWide = startsPrograms || Deno.build.os !== "linux";
    this.#from = this.#to = startsPrograms ? ownDescriptors(this.#child) : stdio(this.#child);
    this.#streams = [this.#to];
    const { stderr: words, stdout } = this.#child;
    const printed = startsPrograms ? [words, stdout] : [words];
    this.#open = printed.length + 1;
    this.#printed = printed.map((stream) => stream.getReader());
    for (const reader of this.#printed) void this.#drain(reader);
    this.ended = this.#watch();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  get lastLines(): string[] {
    return this.#words.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  }

  /** Reads into the buffer, all of it if `whole`; returns the filled part, or undefined at the end. */
  async read(
    into: Uint8Array<ArrayBuffer>,
    whole = false,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#from.read(into, whole);
    this.#quietTurns = 0;
    if (bytes === undefined) this.#open--;
    return bytes;
  }

  /** Resolves when the bytes are written; bytes that a dead child doesn't take are dropped. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#to.write(bytes).catch(() => {});
  }

  /** Writes from now on to a descriptor that holds more than a pipe; `last` tells the child to do the same. */
  writeWider(last: Uint8Array): void {
    if (this.#isWide) return;
    this.#isWide = true;
    void this.write(last);
    this.#to = ownDescriptors(this.#child);
    this.#to.hold(this.#holds);
    this.#streams.push(this.#to);
  }

  /** Reads from that descriptor, too, after the child has announced it. */
  readWider(): void {
    this.#from = this.#to;
  }

  /** The child is ready: from now on its output is its tasks' own and is shown. */
  show(): void {
    const early = this.#early;
    this.#early = undefined;
    for (const bytes of early ?? []) this.#print(bytes);
  }

  hold(keepsAlive: boolean): void {
    if (keepsAlive) this.#child.ref();
    else this.#child.unref();
    this.#holds = keepsAlive;
    for (const stream of this.#streams) stream.hold(keepsAlive);
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    // The child may have ended already.
    attempt(() => this.#child.kill(signal));
  }

  /** Waits until the child, which was told to end, is gone, and kills it if that takes too long. */
  async close(): Promise<void> {
    this.hold(true);
    const timer = clock.setTimeout(() => this.kill(), CLOSE_GRACE_MS);
    // Not awaited: a program that the child started may hold the other end, and never read what is written.
    void Promise.allSettled(this.#streams.map((stream) => stream.close()));
    await this.ended;
    clock.clearTimeout(timer);
  }

  async #watch(): Promise<ChildEnd> {
    const status = await this.#child.status;
    this.#quietTurns = 0;
    for (let turn = 0; this.#open > 0 && turn < MOST_TURNS; turn++) {
      if (this.#quietTurns++ === QUIET_TURNS) break;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 1));
    }
    await Promise.allSettled(this.#streams.map((stream) => stream.release()));
    closeDescriptors(this.#child);
    // A program that the child started may hold these pipes open for as long as it lives.
    await Promise.allSettled(this.#printed.map((reader) => reader.cancel()));
    return this.#describe(status);
  }

  async #drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for (let bytes; (bytes = (await reader.read()).value) !== undefined;) {
      this.#quietTurns = 0;
      const text = decoder.decode(bytes, { stream: true });
      this.#words = (this.#words + text).slice(-STDERR_KEPT);
      this.options.onPrint?.(text);
      if (this.#early !== undefined) this.#early.push(bytes);
      else this.#print(bytes);
    }
    this.#open--;
  }

  #print(bytes: Uint8Array): void {
    if (this.options.stderr !== "show") return;
    // The reader of this program's stderr may be gone.
    attempt(() => {
      for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
    });
  }

  #describe({ code, signal }: Deno.CommandStatus): ChildEnd {
    const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    const lines = this.lastLines;
    const words = lines.find((line) => /fatal|error|panicked/i.test(line)) ?? lines.at(-1);
    return { how, words: words?.slice(0, 300) };
  }
}

/** Why this program can't start subprocesses whatever its permissions; undefined if it can. */
export function lackOfDeno(): string | undefined {
  // A compiled program would start itself instead of Deno, and that one would do the same again.
  if (!Deno.build.standalone) return undefined;
  return "subprocesses need Deno, which a program made by deno compile lacks; run it with deno run, or use another model";
}

/** Environment variables of the dynamic linker, such as `LD_LIBRARY_PATH`. */
const LINKERS = /\b(?:LD|DYLD)_\w+/g;
let isTold = false;

/**
 * Starts Deno, even if the environment has variables that need full `--allow-run` to be passed on.
 *
 * @throws Any error of `Deno.Command` but the one about such variables; they are cleared instead.
 */
export function startDeno(options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const names = error.message.match(LINKERS);
    if (names === null) throw error;
    const env = { ...options.env, ...Object.fromEntries(names.map((name) => [name, ""])) };
    const child = new Deno.Command(Deno.execPath(), { ...options, env }).spawn();
    if (!isTold) {
      const what = names.join(" and ");
      console.error(`warning: subprocesses get no ${what}, for which they need --allow-run of all`);
    }
    isTold = true;
    return child;
  }
}

function spawn({ args, startsPrograms, env, cwd }: ChildOptions): Deno.ChildProcess {
  const lack = lackOfDeno();
  if (lack !== undefined) throw new LaneStartError(`Cannot start a subprocess: ${lack}`);
  try {
    const child = startDeno({
      args: ["run", ...args],
      env: { NO_COLOR: "1", ...env },
      ...(cwd !== undefined && { cwd }),
      stdin: startsPrograms ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      ...withDescriptors(),
    });
    // There is room for it now, because this program has closed the child's ends of the pipes.
    openSignalPipe();
    return child;
  } catch (cause) {
    const why = wordsOf(cause);
    const remedy = cause instanceof Deno.errors.NotCapable
      ? `; subprocesses need --allow-run=${Deno.execPath()}`
      : "";
    throw new LaneStartError(`Cannot start a subprocess: ${why}${remedy}`, { cause });
  }
}

function stdio({ stdin, stdout }: Deno.ChildProcess): ByteStream {
  const writer = stdin.getWriter();
  // A dead child breaks the pipe; its status tells why.
  writer.closed.catch(() => {});
  const reader = stdout.getReader({ mode: "byob" });
  return {
    async read(into, whole) {
      const { value, done } = await reader.read(into, whole ? { min: into.length } : {});
      return done ? undefined : value;
    },
    write: (bytes) => writer.write(bytes),
    hold: () => {}, // `ref()` and `unref()` of the child do that
    close: () => writer.close(),
    release: async () => {
      await Promise.allSettled([writer.abort(), reader.cancel()]);
    },
  };
}

/** Deno's internals that start a child with further descriptors, made for `node:child_process`. */
interface Internals {
  readonly kExtraStdio: symbol;
  getExtraPipeRids(child: Deno.ChildProcess): readonly number[] | undefined;
  readonly core: {
    read(rid: number, into: Uint8Array): Promise<number>;
    writeAll(rid: number, bytes: Uint8Array): Promise<void>;
    tryClose(rid: number): void;
    refOpPromise(promise: Promise<unknown>): void;
    unrefOpPromise(promise: Promise<unknown>): void;
  };
}

const own = internals<Internals>() as Internals;

/**
 * Options that give a child two descriptors for frames besides its stdin and stdout, which its own children
 * inherit and its tasks may read: descriptor 3 to read, 4 to write. With a single one for both, the child could
 * not write while a read waits for bytes. Reading the symbol makes Deno load its process code, which takes
 * milliseconds, so it isn't done when this module loads.
 */
export function withDescriptors(): Deno.CommandOptions {
  return { [own.kExtraStdio]: ["piped", "piped"] } as Deno.CommandOptions;
}

/** The caller's end of the carrier of frames. */
interface ByteStream {
  /** Reads into the buffer, all of it if `whole`; returns the filled part, or undefined at the end. */
  read(into: Uint8Array<ArrayBuffer>, whole: boolean): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  hold(keepsAlive: boolean): void;
  /** No more bytes will be written. */
  close(): Promise<void>;
  release(): Promise<void>;
}

function ownDescriptors(child: Deno.ChildProcess): ByteStream {
  const { core } = own;
  const [to, from] = own.getExtraPipeRids(child)! as readonly [number, number];
  let writing = Promise.resolve();
  let written: Promise<void> | undefined;
  let reading: Promise<unknown> | undefined;
  let holds = true;
  const read = async (into: Uint8Array): Promise<number> => {
    const promise = core.read(from, into);
    reading = promise;
    if (!holds) core.unrefOpPromise(promise);
    try {
      return await promise;
    } catch {
      return 0; // closed meanwhile
    } finally {
      reading = undefined;
    }
  };
  const hold = (keepsAlive: boolean) => {
    holds = keepsAlive;
    if (reading === undefined) return;
    if (keepsAlive) core.refOpPromise(reading);
    else core.unrefOpPromise(reading);
  };
  return {
    async read(into, whole) {
      let filled = 0;
      do {
        const count = await read(into.subarray(filled));
        if (count === 0) return undefined; // a part of a whole is nothing, as its end never comes
        filled += count;
      } while (whole && filled < into.length);
      return into.subarray(0, filled);
    },
    write: (bytes) => writing = writing.then(() => written = core.writeAll(to, bytes)),
    hold,
    close: () => writing,
    release() {
      hold(false);
      if (written !== undefined) core.unrefOpPromise(written);
      return Promise.resolve();
    },
  };
}

/** Closes the caller's ends; the child sees the end of its input. */
export function closeDescriptors(child: Deno.ChildProcess): void {
  for (const rid of own.getExtraPipeRids(child) ?? []) own.core.tryClose(rid);
}
