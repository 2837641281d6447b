/** A Web Worker that runs nothing: a test says what its thread says. */

import { type FarEnd, Line } from "../../../lib/lanes/worker/line.ts";

/** Deno keeps the method by which it lets go of a worker under a symbol without a name. */
const LET_GO: unique symbol = Symbol();

/** What a lane opens its thread with. */
type Opening = readonly [end: FarEnd, lock: string, slots: number, cells: SharedArrayBuffer];

/** A thread that runs nothing. */
export class FakeWorker extends EventTarget implements Worker {
  onmessage: Worker["onmessage"] = null;
  onmessageerror: Worker["onmessageerror"] = null;
  onerror: Worker["onerror"] = null;
  /** Where its code is. */
  readonly url: string;
  readonly options: Partial<WorkerOptions>;
  /** What it was told besides: whether it is to keep the program alive, and that it is to end. */
  readonly done: string[] = [];
  readonly opening = Promise.withResolvers<Opening>();
  /** Resolves when it is ended. */
  readonly ended = Promise.withResolvers<void>();
  #line: Line | undefined;
  #hears: (message: unknown) => void = () => {};

  constructor(url: string | URL, options: Partial<WorkerOptions> = {}) {
    super();
    this.url = String(url);
    this.options = options;
  }

  postMessage(message: Opening): void {
    this.#line = new Line(message[0]);
    this.#line.start((...message) => this.#hears(message));
    this.opening.resolve(message);
  }

  terminate(): void {
    this.done.push("terminate");
    this.#line?.close();
    this.ended.resolve();
  }

  [LET_GO](alive: boolean): void {
    this.done.push(`hold ${alive}`);
  }

  /** The thread says something through its line. */
  says(kind: number, head: readonly number[] = [], payload?: unknown): void {
    this.#line!.send(kind, head, payload);
  }

  /** The thread posts something in the way that tasks do. */
  posts(data: unknown): void {
    this.onmessage!.call(this, new MessageEvent("message", { data }));
  }

  /** The thread can't go on; returns whether the program was kept from ending with it. */
  fails(message: string): boolean {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.onerror!.call(this, event);
    return event.defaultPrevented;
  }

  /** The next message to the thread. */
  hears(): Promise<unknown> {
    return new Promise((resolve) => this.#hears = resolve);
  }
}

/** Has threads be fake ones until it is disposed. */
export class FakeWorkers implements Disposable {
  /** Those that were started, in order. */
  readonly all: FakeWorker[] = [];
  readonly #real = globalThis.Worker;

  constructor() {
    const { all } = this;
    globalThis.Worker = class extends FakeWorker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        all.push(this);
      }
    };
    // Looked for on the class itself, as it is for real ones.
    Object.defineProperty(globalThis.Worker.prototype, LET_GO, {
      value: FakeWorker.prototype[LET_GO],
    });
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#real;
  }
}
