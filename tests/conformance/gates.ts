/**
 * Gates at which tasks wait until a test lets them through, instead of sleeping. They are an HTTP
 * server on loopback, so tasks of every kind of lane reach them.
 */

interface Held {
  readonly key: string;
  readonly pass: () => void;
}

/** As long as a test waits for what must come; only a safety net. */
const PATIENCE_MS = 20_000;

/** The gates of one test. */
export class Gates implements AsyncDisposable {
  readonly url: string;
  /** The names under which tasks came, in their order. */
  readonly arrived: string[] = [];
  /** How many waited at the same time, at most. */
  peak = 0;
  readonly #held = new Set<Held>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #open = false;
  #changed = Promise.withResolvers<void>();

  /** @param hostname Where tasks find it. */
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

  /** Who waits, in the order of arrival. */
  get waiting(): string[] {
    return [...this.#held].map(({ key }) => key);
  }

  /** Waits until something about the gates holds. */
  async until(holds: () => boolean, what: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#tell();
    }, PATIENCE_MS);
    while (!holds() && !late) await this.#changed.promise;
    clearTimeout(timer);
    if (late) throw new Error(`waited in vain until ${what}; arrived: ${this.arrived.join()}`);
  }

  /** Waits until so many wait at the same time. */
  full(count: number): Promise<void> {
    return this.until(() => this.#held.size >= count, `${count} tasks wait at the gates`);
  }

  /** Waits until nobody waits any more. */
  empty(): Promise<void> {
    return this.until(() => this.#held.size === 0, "the gates are left");
  }

  /** Lets one through; the first that waits unless named. */
  pass(key?: string): void {
    const held = [...this.#held].find((one) => key === undefined || one.key === key);
    if (held === undefined) throw new Error(`nobody named ${key} waits at the gates`);
    this.#held.delete(held);
    held.pass();
  }

  /** Lets all through, those too that are still to come. */
  openAll(): void {
    this.#open = true;
    for (const { pass } of this.#held) pass();
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.openAll();
    await this.#server.shutdown();
  }
}

/** Gives whatever is about to happen its chance: several turns of the event loop, timers included. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Waits until something holds that nobody announces. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await turns(1);
  }
}
