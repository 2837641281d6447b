/** A connection to a server that a test can cut, slow down and tear, in place of the network. */

import { attempt } from "../../../lib/lanes/attempt.ts";

export class Link implements AsyncDisposable {
  readonly url: string;
  /** By how much all traffic is delayed, in milliseconds. */
  delayMs = 0;
  /** After how many bytes a connection is closed, in the middle of a message. */
  tearsAfter = Infinity;
  /** How many connections were closed that way. */
  tears = 0;
  readonly #listener: Deno.TcpListener;
  readonly #ends = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  /** Pending while the link is cut. */
  #whole = Promise.resolve();
  #mend = () => {};

  /**
   * @param port The port of the server, on the loopback interface.
   * @param hostname The host name at which the link is reached.
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
      // One side has closed its connection.
    }
    for (const end of [from, to]) attempt(() => end.close());
    this.#ends.delete(from);
  }

  /** Lets no data through from now on; the connections stay open. */
  cut(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whole = promise;
    this.#mend = resolve;
  }

  /** Lets through the data that was held back, and all later data. */
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
