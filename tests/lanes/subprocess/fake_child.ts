/** Child processes that run nothing: a test says what they write and how they end. */

/** A child that does what a test says, in place of a process. */
export class FakeChild {
  /** What was done to it: how it was killed, and whether it is to keep the program alive. */
  readonly done: string[] = [];
  /** What was written to it. */
  readonly written: number[] = [];
  stdinClosed = false;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly #status = Promise.withResolvers<Deno.CommandStatus>();
  readonly status = this.#status.promise;
  /** How it was started. */
  readonly settings: Deno.CommandOptions;
  #out!: ReadableByteStreamController;
  #err!: ReadableStreamDefaultController<Uint8Array>;

  constructor(settings: Deno.CommandOptions) {
    this.settings = settings;
    this.stdin = new WritableStream({
      write: (bytes) => void this.written.push(...bytes),
      close: () => void (this.stdinClosed = true),
    });
    this.stdout = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#out = controller),
    });
    this.stderr = new ReadableStream({ start: (controller) => void (this.#err = controller) });
  }

  get args(): readonly string[] {
    return this.settings.args ?? [];
  }

  ref(): void {
    this.done.push("ref");
  }

  unref(): void {
    this.done.push("unref");
  }

  kill(signal: string): void {
    this.done.push(signal);
  }

  /** It writes to its stdout. */
  writes(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#out.enqueue(part.slice());
  }

  /** It prints to its stderr. */
  says(text: string): void {
    this.#err.enqueue(new TextEncoder().encode(text));
  }

  /** It closes what it writes to. */
  closes(): void {
    try {
      this.#out.close();
      this.#out.byobRequest?.respond(0); // a read that waits has its end told on its own
    } catch {
      // Its reader has given up.
    }
    this.#err.close();
  }

  /** It exits, whether or not others hold what it wrote to. */
  exits(code: number, signal: Deno.Signal | null = null): void {
    this.#status.resolve({ code, signal, success: code === 0 });
  }

  /** It closes what it writes to, and exits. */
  ends(code: number, signal: Deno.Signal | null = null): void {
    this.closes();
    this.exits(code, signal);
  }
}

/** Has programs be fake children until it is disposed. */
export class FakeCommands implements Disposable {
  /** Those that were started, in order. */
  readonly all: FakeChild[] = [];
  /** What starting the next one throws. */
  refusal: unknown;
  readonly #real = Deno.Command;

  constructor() {
    const start = (settings: Deno.CommandOptions) => {
      if (this.refusal !== undefined) throw this.refusal;
      const child = new FakeChild(settings);
      this.all.push(child);
      return child;
    };
    Object.assign(Deno, {
      Command: class {
        readonly #settings: Deno.CommandOptions;
        constructor(_path: string, settings: Deno.CommandOptions) {
          this.#settings = settings;
        }
        spawn(): FakeChild {
          return start(this.#settings);
        }
      },
    });
  }

  [Symbol.dispose](): void {
    Object.assign(Deno, { Command: this.#real });
  }
}

/** What this program prints to its stderr meanwhile, instead of that it is printed. */
export class FakeStderr implements Disposable {
  text = "";
  readonly #real = Deno.stderr.writeSync;

  constructor() {
    // Half of it at a time, as a pipe may take it.
    Deno.stderr.writeSync = (bytes) => {
      const count = Math.ceil(bytes.length / 2);
      this.text += new TextDecoder().decode(bytes.subarray(0, count));
      return count;
    };
  }

  [Symbol.dispose](): void {
    Deno.stderr.writeSync = this.#real;
  }
}
