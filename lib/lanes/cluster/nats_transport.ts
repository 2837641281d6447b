/**
 * The transport of bytes to and from a NATS server, over Deno's own connections. Node's sockets under Deno can
 * emit an error when no listener is left, which would end the program.
 */

import {
  checkOptions,
  type ConnectionOptions,
  DataBuffer,
  extractProtocolMessage,
  INFO,
  type Server,
  type ServerInfo,
  type Transport,
} from "npm:@nats-io/nats-core@^3.4.0/internal";
import { attempt } from "../attempt.ts";
import { within } from "../timers.ts";

/** How many bytes are read at a time; the server's greeting is shorter. */
const CHUNK_BYTES = 1 << 16;

/** How long closing waits until the last bytes are sent, in milliseconds. */
const LAST_MS = 1000;

export class DenoTransport implements Transport {
  readonly lang = "nats.js";
  readonly version = "3.4.0";
  closeError?: Error;
  isClosed = false;
  #conn!: Deno.TcpConn | Deno.TlsConn;
  /** Aborts connecting; otherwise an unresponsive host would keep the program alive for minutes. */
  readonly #givenUp = new AbortController();
  /** The server's greeting, which the client must receive, too. */
  #greeting!: Uint8Array;
  readonly #closed = Promise.withResolvers<void | Error>();
  #unsent: Uint8Array[] = [];
  #sending: Promise<void> | undefined;

  async connect(server: Server, options: ConnectionOptions): Promise<void> {
    const { hostname, port, tlsName } = server;
    const conn = await Deno.connect({ hostname, port, signal: this.#givenUp.signal });
    this.#conn = conn;
    // The connection may have been closed meanwhile.
    if (this.isClosed) return this.#shut();
    try {
      conn.setNoDelay(true);
      const info = await this.#greet(conn);
      checkOptions(info, options);
      const { tls_required: isRequired, tls_available: isAvailable } = info;
      if (isRequired || (isAvailable && options.tls !== null)) {
        const caCerts = options.tls?.ca === undefined ? [] : [options.tls.ca];
        const secure = await Deno.startTls(conn, { hostname: tlsName || hostname, caCerts });
        this.#conn = secure;
        await secure.handshake();
      }
    } catch (error) {
      this.#shut();
      throw error;
    }
  }

  async #greet(conn: Deno.Conn): Promise<ServerInfo> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let text = "";
    let length = 0;
    while ((text = extractProtocolMessage(chunk.subarray(0, length))) === "") {
      const count = await conn.read(chunk.subarray(length));
      if (!count) throw new Error("the connection was closed");
      length += count;
    }
    this.#greeting = chunk.slice(0, length);
    const [, json] = INFO.exec(text) ?? [];
    if (json === undefined) throw new Error("it is no NATS server");
    return JSON.parse(json);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    yield this.#greeting;
    const chunk = new Uint8Array(CHUNK_BYTES);
    try {
      for (let count; (count = await this.#conn.read(chunk)) !== null;) {
        // Copied, because the client's messages are parts of these bytes.
        yield chunk.slice(0, count);
      }
      this.#end();
    } catch (error) {
      this.#end(error as Error);
    }
  }

  isEncrypted(): boolean {
    return "handshake" in this.#conn;
  }

  send(bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.#unsent.push(bytes);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    try {
      while (this.#unsent.length > 0) {
        const [first, ...others] = this.#unsent.splice(0);
        const bytes = others.length > 0 ? DataBuffer.concat(first!, ...others) : first!;
        for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
      }
    } catch (error) {
      this.#end(error as Error);
    }
    this.#sending = undefined;
  }

  /** Ends the connection, after which the client may open another. */
  #end(error?: Error): void {
    if (this.isClosed) return;
    this.#shut();
    if (error !== undefined) this.closeError = error;
    // Deferred, so that the client first handles what it has read, such as the message that it is connected.
    setTimeout(() => this.#closed.resolve(error));
  }

  #shut(): void {
    this.isClosed = true;
    this.#givenUp.abort();
    attempt(() => this.#conn.close());
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  disconnect(): void {
    this.#end();
  }

  /** Called by the client when it needs the connection no more or can't use it. */
  async close(error?: Error): Promise<void> {
    if (error === undefined) await within(LAST_MS, Promise.resolve(this.#sending), () => {});
    this.#shut();
  }

  discard(): void {
    this.#shut();
  }
}
