/**
 * Gates at which tasks wait until a test lets them through, instead of sleeping. They are an HTTP server on
 * loopback, so tasks in every kind of lane reach them.
 */

interface Held {
  readonly key: string;
  readonly pass: () => void;
}

/** How long a test waits for an event that must come, in milliseconds; only a safety net. */
const PATIENCE_MS = 120_000;

export class Gates implements AsyncDisposable {
  readonly url: string;
  /** The names of the tasks that arrived, in order. */
  readonly arrived: string[] = [];
  /** The most tasks that waited at the same time. */
  peak = 0;
  readonly #held = new Set<Held>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #open = false;
  #isDisposed = false;
  #changed = Promise.withResolvers<void>();

  /** @param hostname The address at which tasks reach the gates. */
  constructor(hostname = "127.0.0.1") {
    this.#server = Deno.serve(
      { hostname, port: 0, onListen: () => {} },
      (request) => this.#arrive(request),
    );
    this.url = `http://${hostname}:${this.#server.addr.port}`;
  }

  async #arrive(request: Request): Promise<Response> {
    const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
    this.arrived.push(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = { key, pass: resolve };
    if (!this.#open) {
      this.#held.add(held);
      this.peak = Math.max(this.peak, this.#held.size);
      request.signal.addEventListener("abort", () => {
        this.#held.delete(held);
        resolve();
        this.#tell();
      });
      this.#tell();
      await promise;
    } else this.#tell();
    return new Response(key, { headers: { connection: "close" } });
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** The names of the waiting tasks, in the order of arrival. */
  get waiting(): string[] {
    return [...this.#held].map(({ key }) => key);
  }

  /** Waits until a condition on the gates holds; for ever once the gates are disposed, as after a failed test. */
  async until(holds: () => boolean, what: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#tell();
    }, PATIENCE_MS);
    while (!holds() && !late && !this.#isDisposed) await this.#changed.promise;
    clearTimeout(timer);
    // A rejection that nobody awaits any more would end the tests of the whole file.
    if (this.#isDisposed && !holds()) await new Promise(() => {});
    if (late) throw new Error(`waited in vain until ${what}; arrived: ${this.arrived.join()}`);
  }

  /** Waits until `count` tasks wait at the same time. */
  full(count: number): Promise<void> {
    return this.until(() => this.#held.size >= count, `${count} tasks wait at the gates`);
  }

  /** Waits until no task waits any more. */
  empty(): Promise<void> {
    return this.until(() => this.#held.size === 0, "the gates are left");
  }

  /** Lets one task through: the named one, or else the first that waits. */
  pass(key?: string): void {
    const held = [...this.#held].find((one) => key === undefined || one.key === key);
    if (held === undefined) throw new Error(`nobody named ${key} waits at the gates`);
    this.#held.delete(held);
    held.pass();
  }

  /** Lets all tasks through, including those that arrive later. */
  openAll(): void {
    this.#open = true;
    for (const { pass } of this.#held) pass();
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.openAll();
    this.#isDisposed = true;
    this.#tell();
    await this.#server.shutdown();
  }
}

/** Waits for several turns of the event loop, timers included, so that pending events can happen. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Polls until a condition holds that no event announces. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await turns(1);
  }
}
