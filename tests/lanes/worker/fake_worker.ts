/** A Web Worker that runs nothing: a test sends its thread's messages. */

import { Line, type Opening } from "../../../lib/lanes/worker/line.ts";

/** Deno keeps the method that unrefs a worker under a symbol without a name. */
const LET_GO: unique symbol = Symbol();

export class FakeWorker extends EventTarget implements Worker {
  onmessage: Worker["onmessage"] = null;
  onmessageerror: Worker["onmessageerror"] = null;
  onerror: Worker["onerror"] = null;
  /** The URL of its code. */
  readonly url: string;
  readonly options: Partial<WorkerOptions>;
  /** The other calls that it received, such as `terminate`. */
  readonly done: string[] = [];
  readonly opening = Promise.withResolvers<Opening>();
  /** Resolves when the thread is ended. */
  readonly ended = Promise.withResolvers<void>();
  #line: Line | undefined;
  #hears: (message: unknown) => void = () => {};

  constructor(url: string | URL, options: Partial<WorkerOptions> = {}) {
    super();
    this.url = String(url);
    this.options = options;
  }

  postMessage(message: Opening): void {
    this.#line = new Line(message.far);
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

  /** Sends a message from the thread through its line. */
  says(kind: number, head: readonly number[] = [], payload?: unknown): void {
    this.#line!.send(kind, head, payload);
  }

  /** Posts a message from the thread, as tasks can. */
  posts(data: unknown): void {
    this.onmessage!.call(this, new MessageEvent("message", { data }));
  }

  /** Reports a fatal error of the thread; returns whether the program was kept from ending with it. */
  fails(message: string): boolean {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.onerror!.call(this, event);
    return event.defaultPrevented;
  }

  /** Waits for the next message to the thread. */
  hears(): Promise<unknown> {
    return new Promise((resolve) => this.#hears = resolve);
  }
}

/** Replaces threads by fake ones until it is disposed. */
export class FakeWorkers implements Disposable {
  /** The threads that were started, in order. */
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
    // The method is looked up on the class itself, as for real workers.
    Object.defineProperty(globalThis.Worker.prototype, LET_GO, {
      value: FakeWorker.prototype[LET_GO],
    });
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#real;
  }
}
