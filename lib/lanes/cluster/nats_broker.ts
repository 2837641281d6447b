/**
 * A NATS server with JetStream, or a cluster of them, as the broker. It is loaded only where a cluster is
 * used: nothing else of the library needs npm packages.
 */

import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "npm:@nats-io/jetstream@^3.4.0";
import { Objm, setSha256Backend } from "npm:@nats-io/obj@^3.4.0";
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
} from "npm:@nats-io/transport-node@^3.4.0";
import { attempt, wordsOf } from "../attempt.ts";
import { ACK_WAIT_MS, type Broker, BrokerError, type DeadLetter } from "./broker.ts";
import type { ServerOptions } from "./server_options.ts";

/** Dead letters of all jobs. */
export const DEAD_QUEUE = "LANES-DEAD";
/** So many of them are shown at most. */
const SHOWN_LETTERS = 20;
/** What the names of queues begin with. */
const QUEUE_PREFIX = "LANES-";
const CONNECT_MS = 5000;
const RECONNECT_WAIT_MS = 250;
/** A connection of which two of these in a row aren't answered is made anew. */
const PING_MS = 5000;
/** How long the server may take to say that it has stored something. */
const STORE_MS = 5000;
/** The server is too busy for a moment, or still starting. */
const BUSY_CODE = 10008;
/** A connection that was refused is reset within so long, in milliseconds. */
const RESET_MS = 200;
const NANOS = 1_000_000;
/** A queue remembers the ids of its messages for so long, in milliseconds. */
const REMEMBER_MS = 120_000;

// Unless told it hashes large objects in JavaScript, which takes longer than to send them.
setSha256Backend("native");

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** A queue that is there, and what is in it. */
export interface QueueInfo {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly consumers: number;
  readonly createdAt: string;
}

/**
 * Connects.
 *
 * @throws {BrokerError} If the server can't be reached, refuses, or has no JetStream.
 */
export async function openNats(options: ServerOptions): Promise<NatsBroker> {
  const { servers, user, password, creds, tlsCa } = options;
  const where = servers.map(shown).join();
  let nc: NatsConnection;
  addEventListener("error", ignoreReset);
  try {
    nc = await connect({
      servers: [...servers],
      name: "lanes",
      timeout: CONNECT_MS,
      // It would look names up itself, which needs leave to reach all ports of a host.
      resolve: false,
      pingInterval: PING_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      ...(user !== undefined && { user, pass: password ?? "" }),
      ...(creds !== undefined && { authenticator: credsAuthenticator(await Deno.readFile(creds)) }),
      ...(tlsCa !== undefined && { tls: { caFile: tlsCa } }),
    });
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve, RESET_MS));
    throw new BrokerError(where, ...why(error));
  } finally {
    removeEventListener("error", ignoreReset);
  }
  try {
    // Which asks for an account's state, so it fails where there is no JetStream.
    return new NatsBroker(nc, await jetstreamManager(nc), where);
  } catch (error) {
    await nc.close();
    const lacks = /JetStream|responders|503/i.test(`${(error as Error).name} ${wordsOf(error)}`);
    const problem = lacks ? "it runs without JetStream" : wordsOf(error);
    throw new BrokerError(where, problem, "start it with nats-server -js");
  }
}

/** A server that refuses may reset a connection which the client has let go of, and nobody listens to. */
function ignoreReset(event: ErrorEvent): void {
  if ((event.error as { code?: unknown } | undefined)?.code === "ECONNRESET") {
    event.preventDefault();
  }
}

/** An address without the name and password that it may hold. */
function shown(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^@/]*@/i, "$1");
}

function why(error: unknown): [problem: string, remedy: string] {
  const words = wordsOf(error);
  if (/authoriz|authenticat/i.test(words)) {
    return ["it refuses these credentials", "check them with who runs the server"];
  }
  if (/refused|closed|ENOTFOUND|ETIMEDOUT|timeout/i.test(words)) {
    return ["nobody answers there", "start a server with nats-server -js"];
  }
  if (/certificate/i.test(words)) {
    return [words, "name the certificates to check it by, with --tls-ca or tlsCa"];
  }
  return [words, "check the address, and what the server's log says"];
}

export class NatsBroker implements Broker {
  readonly where: string;
  readonly mostBytes: number;
  readonly #nc: NatsConnection;
  readonly #js: ReturnType<typeof jetstream>;
  readonly #jsm: Awaited<ReturnType<typeof jetstreamManager>>;
  readonly #objects = new Map<string, ReturnType<Objm["create"]>>();
  readonly #reconnected: (() => void)[] = [];
  #isConnected = true;

  constructor(
    nc: NatsConnection,
    jsm: Awaited<ReturnType<typeof jetstreamManager>>,
    where: string,
  ) {
    this.#nc = nc;
    this.#jsm = jsm;
    this.#js = jetstream(nc, { timeout: STORE_MS });
    this.where = where;
    this.mostBytes = nc.info!.max_payload;
    void this.#watch();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#nc.status()) {
      if (type === "disconnect") this.#isConnected = false;
      if (type !== "reconnect") continue;
      this.#isConnected = true;
      for (const tell of this.#reconnected) tell();
    }
  }

  onReconnect(tell: () => void): void {
    this.#reconnected.push(tell);
  }

  tell(subject: string, value: unknown): void {
    if (!this.#nc.isClosed()) this.#nc.publish(subject, encode(value));
  }

  listen(subject: string, hear: (value: unknown, subject: string) => unknown): void {
    this.#nc.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        // Others may use the same server, and say what they like.
        const value = attempt(() => decode(message.data));
        const answer = attempt(() => hear(value, message.subject));
        if (!message.reply) return;
        Promise.resolve(answer).then((value) => message.respond(encode(value))).catch(() => {});
      },
    });
  }

  async ask(subject: string, value: unknown, timeoutMs: number): Promise<unknown> {
    return decode((await this.#nc.request(subject, encode(value), { timeout: timeoutMs })).data);
  }

  async createQueue(queue: string, subjects: readonly string[], job: string): Promise<void> {
    await this.#jsm.streams.add({
      name: queue,
      description: `Lanes: job ${job}`,
      subjects: [...subjects],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      duplicate_window: REMEMBER_MS * NANOS,
    });
  }

  async removeQueue(queue: string): Promise<void> {
    await this.#jsm.streams.delete(queue);
    if (this.#objects.has(queue)) await (await this.#bucket(queue)).destroy();
    this.#objects.delete(queue);
  }

  async store(subject: string, id: string, bytes: Uint8Array): Promise<void> {
    await this.#js.publish(subject, bytes, { msgID: id, timeout: STORE_MS });
  }

  isRefusal(error: unknown): boolean {
    const { name, code } = error as { name?: unknown; code?: unknown };
    return name === "JetStreamApiError" && code !== BUSY_CODE;
  }

  async consume(
    queue: string,
    { name, subject, most, onMessage }: Parameters<Broker["consume"]>[1],
  ): Promise<{ close(): Promise<void> }> {
    await this.#jsm.consumers.add(queue, {
      durable_name: name,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * NANOS,
      max_ack_pending: most,
    });
    const consumer = await this.#js.consumers.get(queue, name);
    const messages = await consumer.consume({
      max_messages: most,
      callback: (message) =>
        onMessage({
          id: message.seq,
          bytes: message.data,
          // It is delivered again if the connection is closed.
          ack: () => attempt(() => message.ack()),
          working: () => attempt(() => message.working()),
        }, message.subject),
    });
    return { close: async () => void await messages.close() };
  }

  async removeConsumer(queue: string, name: string): Promise<void> {
    await this.#jsm.consumers.delete(queue, name);
  }

  #bucket(queue: string): ReturnType<Objm["create"]> {
    let bucket = this.#objects.get(queue);
    if (bucket === undefined) {
      bucket = new Objm(this.#nc).create(queue, { storage: StorageType.File });
      bucket.catch(() => this.#objects.delete(queue));
      this.#objects.set(queue, bucket);
    }
    return bucket;
  }

  async putObject(queue: string, name: string, bytes: Uint8Array): Promise<void> {
    await (await this.#bucket(queue)).putBlob({ name }, bytes);
  }

  async getObject(queue: string, name: string): Promise<Uint8Array> {
    const bytes = await (await this.#bucket(queue)).getBlob(name);
    if (bytes === null) throw new Error(`The object ${name} is not there`);
    return bytes;
  }

  async removeObject(queue: string, name: string): Promise<void> {
    await (await this.#bucket(queue)).delete(name);
  }

  async bury(letter: DeadLetter): Promise<void> {
    await this.#jsm.streams.add({
      name: DEAD_QUEUE,
      description: "Lanes: items that ended more than one lane",
      subjects: ["lanes.dead.*"],
      storage: StorageType.File,
    });
    await this.#js.publish(`lanes.dead.${letter.job}`, encode(letter));
  }

  /** The queues of jobs, and of dead letters, that are there. */
  async queues(): Promise<QueueInfo[]> {
    const found: QueueInfo[] = [];
    for await (const { config: { name }, state, created } of this.#jsm.streams.list()) {
      if (!name.startsWith(QUEUE_PREFIX)) continue;
      const { messages, bytes, consumer_count: consumers } = state;
      found.push({ name, messages, bytes, consumers, createdAt: created });
    }
    return found;
  }

  /** The last items that ended more than one lane. */
  async deadLetters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    const { state } = await this.#jsm.streams.info(DEAD_QUEUE).catch(() => ({ state: undefined }));
    if (state === undefined) return letters;
    const first = Math.max(state.first_seq, state.last_seq - SHOWN_LETTERS + 1);
    for (let seq = first; seq > 0 && seq <= state.last_seq; seq++) {
      const message = await this.#jsm.streams.getMessage(DEAD_QUEUE, { seq }).catch(() => null);
      if (message !== null) letters.push(message.json<DeadLetter>());
    }
    return letters;
  }

  /** Removes a queue that was left, with its objects. */
  async purge(queue: string): Promise<void> {
    await this.#jsm.streams.delete(queue);
    await this.#jsm.streams.delete(`OBJ_${queue}`).catch(() => {}); // it may have none
  }

  async close(): Promise<void> {
    await this.#nc.close();
  }
}
