/** Child processes that run nothing: a test decides what they write and how they end. */

/** A child controlled by a test, in place of a process. */
export class FakeChild {
  /** The calls that it received: signals, and `ref` or `unref`. */
  readonly done: string[] = [];
  /** The bytes that were written to its stdin. */
  readonly written: number[] = [];
  stdinClosed = false;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly #status = Promise.withResolvers<Deno.CommandStatus>();
  readonly status = this.#status.promise;
  /** The settings that it was started with. */
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

  /** Writes to the child's stdout. */
  writes(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#out.enqueue(part.slice());
  }

  /** Prints to the child's stderr. */
  says(text: string): void {
    this.#err.enqueue(new TextEncoder().encode(text));
  }

  /** Closes the child's stdout and stderr. */
  closes(): void {
    try {
      this.#out.close();
      this.#out.byobRequest?.respond(0); // a waiting read has to be ended separately
    } catch {
      // The stream's reader has given up.
    }
    this.#err.close();
  }

  /** Ends the child, whether or not others hold its streams open. */
  exits(code: number, signal: Deno.Signal | null = null): void {
    this.#status.resolve({ code, signal, success: code === 0 });
  }

  /** Closes the child's streams and ends it. */
  ends(code: number, signal: Deno.Signal | null = null): void {
    this.closes();
    this.exits(code, signal);
  }
}

/** Replaces programs by fake children until it is disposed. */
export class FakeCommands implements Disposable {
  /** The children that were started, in order. */
  readonly all: FakeChild[] = [];
  /** The error that the next start throws; none if undefined. */
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

/** Collects what this program prints to its stderr, instead of printing it. */
export class FakeStderr implements Disposable {
  text = "";
  readonly #real = Deno.stderr.writeSync;

  constructor() {
    // Each write takes half of the bytes, as a pipe may.
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
