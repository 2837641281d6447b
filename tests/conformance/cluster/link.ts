/** A way to a server that can be cut, made slow and torn, in place of a network's own. */

import { attempt } from "../../../lib/lanes/attempt.ts";

export class Link implements AsyncDisposable {
  readonly url: string;
  /** How long everything on it takes longer. */
  delayMs = 0;
  /** After so many bytes a connection is closed, in the midst of a message. */
  tearsAfter = Infinity;
  /** How often that was done. */
  tears = 0;
  readonly #listener: Deno.TcpListener;
  readonly #ends = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  /** Resolved unless it is cut. */
  #whole = Promise.resolve();
  #mend = () => {};

  /**
   * @param port Of the server, on the loopback interface.
   * @param hostname Where it is reached by this way.
   */
  constructor(port: number, hostname = "127.0.0.1") {
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.url = `nats://${hostname}:${this.#listener.addr.port}`;
    this.#serving = this.#serve(port);
  }

  async #serve(port: number): Promise<void> {
    const carrying: Promise<void>[] = [];
    for await (const near of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      if (far === undefined) near.close();
      else carrying.push(this.#carry(near, far), this.#carry(far, near));
    }
    await Promise.all(carrying);
  }

  async #carry(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    this.#ends.add(from);
    const buffer = new Uint8Array(1 << 16);
    let carried = 0;
    try {
      for (let read; (read = await from.read(buffer)) !== null;) {
        await this.#whole;
        if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
        const count = Math.max(0, Math.min(read, this.tearsAfter - carried));
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
        carried += read;
        if (carried < this.tearsAfter) continue;
        this.tears++;
        break;
      }
    } catch {
      // One side is gone.
    }
    for (const end of [from, to]) attempt(() => end.close());
    this.#ends.delete(from);
  }

  /** From now on nothing comes through, and nobody is told. */
  cut(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whole = promise;
    this.#mend = resolve;
  }

  /** What was held up comes through after all. */
  mend(): void {
    this.#mend();
    this.#whole = Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    this.#listener.close();
    for (const end of this.#ends) attempt(() => end.close());
    await this.#serving;
  }
}
