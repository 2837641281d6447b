/**
 * A NATS server with JetStream, or a cluster of such servers, as the broker. It is loaded only if a cluster is
 * used, since nothing else in the library needs npm packages.
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
  credsAuthenticator,
  type NatsConnection,
  NatsConnectionImpl,
  PermissionViolationError,
  setTransportFactory,
} from "npm:@nats-io/nats-core@^3.4.0/internal";
import { attempt, wordsOf } from "../attempt.ts";
import { clock, type Timer, within } from "../timers.ts";
import {
  ACK_WAIT_MS,
  type Broker,
  BrokerError,
  type DeadLetter,
  type Handed,
  isDeadLetter,
  SERVER_FILES,
  type ServerOptions,
} from "./broker.ts";
import { DenoTransport } from "./nats_transport.ts";

export const DEAD_QUEUE = "LANES-DEAD";
/** How many dead letters are stored, and how many are shown. */
const MOST_LETTERS = 10_000;
const SHOWN_LETTERS = 20;
const QUEUE_PREFIX = "LANES-";
const CONNECT_MS = 5000;
const RECONNECT_WAIT_MS = 250;
/** How often the connection is tested, in milliseconds; it is reopened after two missed answers. */
const PING_MS = 5000;
/** How long to wait, in milliseconds, until the server has stored a message or a job has received it. */
const STORE_MS = 5000;
/**
 * How long the server keeps a lane's request for messages, in milliseconds. Without a sign of it for as long the
 * client asks again, as the server may have lost the request: by default after 45 seconds.
 */
const PULL_MS = 5000;
/** The server's error code if it is briefly too busy, or still starting. */
const BUSY_CODE = 10008;
/** How often the server is asked for the job's queue until it answers, in milliseconds. */
const ASK_MS = 1000;
const NANOS = 1_000_000;
/**
 * Acknowledgements are sent with the next message, or after this many milliseconds, or when this many are
 * waiting, because writing to the server is most of a batch's cost.
 */
const ACK_MS = 50;
const MOST_ACKS = 32;

interface Closable {
  close(): Promise<unknown>;
}

const NO_MESSAGES: Closable = { close: () => Promise.resolve() };
const CUT = "the connection to the server is lost";
/** How long a queue remembers the ids of its messages, in milliseconds, to drop repeated ones. */
const REMEMBER_MS = 120_000;

// The default hashes large objects in JavaScript, which takes longer than sending them.
setSha256Backend("native");
setTransportFactory({ factory: () => new DenoTransport() });

const RIGHTS = "let these credentials use lanes.>, $JS.>, $O.> and _INBOX.>";

/** The stream that stores a queue's large objects. */
const bucketOf = (queue: string) => `OBJ_${queue}`;

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

export interface QueueInfo {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly createdAt: string;
}

/**
 * Connects to the server.
 *
 * @throws {BrokerError} If the server can't be reached, refuses, or has no JetStream.
 */
export async function openNats(options: ServerOptions): Promise<NatsBroker> {
  const { servers, user, password, creds, tlsCa } = options;
  const where = servers.map(shown).join();
  if (where !== servers.join()) {
    const remedy = "give them as user and password (--user, NATS_PASSWORD), or as creds";
    throw new BrokerError(where, "a name or password in its address is not used", remedy);
  }
  const read = async (path: string, option: keyof typeof SERVER_FILES) => {
    const { what, mark, name } = SERVER_FILES[option];
    const remedy = `${name} as ${option}`;
    const bytes = await Deno.readFile(path).catch((error) => {
      throw new BrokerError(where, `cannot read its ${what}: ${wordsOf(error)}`, remedy);
    });
    if (new TextDecoder().decode(bytes).includes(mark)) return bytes;
    throw new BrokerError(where, `${path} holds no ${what}`, remedy);
  };
  const credentials = creds === undefined ? undefined : await read(creds, "creds");
  const ca = tlsCa === undefined ? undefined : await read(tlsCa, "tlsCa");
  const isSecure = ca !== undefined || servers.some((server) => /^tls:/i.test(server));
  let nc: NatsConnection;
  try {
    nc = await NatsConnectionImpl.connect({
      servers: [...servers],
      name: "lanes",
      timeout: CONNECT_MS,
      resolve: false,
      pingInterval: PING_MS,
      // Capturing a stack trace for each message costs as much as sending it.
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      ...(user !== undefined && { user, pass: password ?? "" }),
      ...(credentials && { authenticator: credsAuthenticator(credentials) }),
      // A `tls:` address or a CA file means that the connection must never be unencrypted.
      ...(isSecure && { tls: ca === undefined ? {} : { ca: new TextDecoder().decode(ca) } }),
    });
  } catch (error) {
    throw new BrokerError(where, ...why(error, credentials));
  }
  try {
    // This asks for the account's state, so it fails if there is no JetStream.
    return new NatsBroker(nc, await jetstreamManager(nc), where, credentials);
  } catch (error) {
    const lost = await reasonOf(nc, error);
    await nc.close();
    if (lost !== undefined || haveExpired(credentials)) {
      throw new BrokerError(where, ...why(lost ?? error, credentials));
    }
    const words = `${(error as Error).name} ${wordsOf(error)}`;
    if (!/JetStream|responders|503/i.test(words)) {
      throw new BrokerError(where, `its JetStream does not answer (${wordsOf(error)})`, RIGHTS);
    }
    if (/account/i.test(words)) {
      const remedy = "have who runs the server enable it, or use another account";
      throw new BrokerError(where, "JetStream is not enabled for this account", remedy);
    }
    throw new BrokerError(where, "it runs without JetStream", "start it with nats-server -js");
  }
}

/** An address without the user name and password that it may contain. */
function shown(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^@/]*@/i, "$1");
}

/** Whether a credentials file says that it has expired; the server would only refuse it. */
function haveExpired(credentials: Uint8Array | undefined): boolean {
  const [, claims] = /\.([\w-]+)\./.exec(new TextDecoder().decode(credentials)) ?? [];
  const bytes = () => Uint8Array.fromBase64(claims!, { alphabet: "base64url" });
  const { exp = Infinity } = attempt(() => decode(bytes()), {});
  return exp * 1000 <= Date.now();
}

/** The error that ended the connection or denied permission, if that is why something failed. */
async function reasonOf(nc: NatsConnection, error: unknown): Promise<Error | undefined> {
  const { cause } = error as { cause?: unknown };
  for (const why of [error, cause]) if (why instanceof PermissionViolationError) return why;
  // Requests fail before the connection counts as closed.
  const isOver = nc.isClosed() || wordsOf(error) === "connection closed";
  return isOver ? await nc.closed() || undefined : undefined;
}

function why(
  error: unknown,
  credentials: Uint8Array | undefined,
): [problem: string, remedy: string] {
  const words = wordsOf(error);
  if (/expired/i.test(words) || haveExpired(credentials)) {
    return ["these credentials have expired", "get new ones from who runs the server"];
  }
  if (error instanceof PermissionViolationError) {
    const { operation, subject } = error;
    const what = operation === "publish" ? "publish" : "subscribe to";
    return [`these credentials do not allow to ${what} ${subject}`, RIGHTS];
  }
  if (/authoriz|authenticat/i.test(words)) {
    return ["it refuses these credentials", "check them with who runs the server"];
  }
  if (/lookup address/.test(words)) {
    return ["there is no host of that name", "check the address"];
  }
  if (/refused|closed|reset|unreachable|timeout/i.test(words)) {
    return ["no NATS server answers there", "start a server with nats-server -js"];
  }
  if (/support 'tls'/.test(words)) {
    return ["it speaks no TLS", "have it do so, or name it with nats:// and without --tls-ca"];
  }
  if (/NotValidForName|not valid for name/i.test(words)) {
    return [words, "use a name or address that its certificate is for"];
  }
  if (/certificate/i.test(words)) {
    return [words, "name the certificates to check it by, with --tls-ca or tlsCa"];
  }
  return [words, "check the address, and what the server's log says"];
}

export class NatsBroker implements Broker {
  readonly mostBytes: number;
  readonly gone: Promise<BrokerError>;
  readonly #gone = Promise.withResolvers<BrokerError>();
  #queue: string | undefined;
  readonly #js: ReturnType<typeof jetstream>;
  readonly #objects: Objm;
  readonly #reconnected: (() => void)[] = [];
  #isConnected = true;
  readonly #acks: (() => void)[] = [];
  readonly #consumers = new Set<() => void>();
  readonly #unanswered = new Set<(error: Error) => void>();
  #ackTimer: Timer | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly jsm: Awaited<ReturnType<typeof jetstreamManager>>,
    readonly where: string,
    private readonly credentials: Uint8Array | undefined,
  ) {
    // Without this, each opening of an object would cost a further round trip for the account's state.
    this.#js = jetstream(nc, { timeout: STORE_MS, checkAPI: false });
    this.#objects = new Objm(this.#js);
    this.mostBytes = nc.info!.max_payload;
    this.gone = this.#gone.promise;
    const lose = (error: unknown) => this.#gone.resolve(this.#error(error));
    void this.#watch(lose);
    void nc.closed().then((error) => error && lose(error));
  }

  #error(error: unknown): BrokerError {
    return new BrokerError(this.where, ...why(error, this.credentials));
  }

  /** @throws {BrokerError} If it fails because the connection is lost for good. */
  async #tried<T>(trial: Promise<T>): Promise<T> {
    try {
      return await trial;
    } catch (error) {
      const lost = await reasonOf(this.nc, error);
      throw lost || haveExpired(this.credentials) ? this.#error(lost ?? error) : error;
    }
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  async #watch(lose: (error: unknown) => void): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === "disconnect") {
        this.#isConnected = false;
        for (const reject of this.#unanswered) reject(new Error(CUT));
      }
      // Without permission to subscribe it would wait forever.
      if (status.type === "error" && status.error instanceof PermissionViolationError) {
        lose(status.error);
      }
      if (status.type !== "reconnect") continue;
      this.#isConnected = true;
      this.#ackAll();
      void this.#checkQueue();
      for (const tell of this.#reconnected) tell();
      for (const restart of this.#consumers) restart();
    }
  }

  /** A server that lost its storage lost all sent messages, so what the job waits for may never come. */
  async #checkQueue(): Promise<void> {
    while (this.#queue !== undefined && this.#isConnected && !this.nc.isClosed()) {
      try {
        await this.jsm.streams.info(this.#queue);
        return;
      } catch (error) {
        if ((error as Error).name === "StreamNotFoundError") {
          const remedy = "leave it there while the job runs";
          return this.#gone.resolve(new BrokerError(this.where, "the job's queue is gone", remedy));
        }
      }
      await within<unknown>(ASK_MS, this.nc.closed(), () => {});
    }
  }

  onReconnect(tell: () => void): void {
    this.#reconnected.push(tell);
  }

  tell(subject: string, value: unknown): void {
    if (!this.nc.isClosed()) this.nc.publish(subject, encode(value));
  }

  listen(subject: string, hear: (value: unknown) => unknown): void {
    this.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        // Other programs on the same server may send anything.
        const value = attempt(() => decode(message.data));
        const answer = attempt(() => hear(value));
        Promise.resolve(answer).then((value) => {
          if (message.reply) message.respond(encode(value));
        }).catch(() => {});
      },
    });
  }

  async ask(subject: string, value: unknown, timeoutMs: number): Promise<unknown> {
    const asked = this.nc.request(subject, encode(value), { timeout: timeoutMs });
    return decode((await this.#tried(asked)).data);
  }

  async hand(subject: string, bytes: Uint8Array): Promise<void> {
    await this.#answer(() => this.nc.request(subject, bytes, { timeout: STORE_MS }));
  }

  /** Waits for an answer; rejects if the connection is lost meanwhile, because no answer can come then. */
  async #answer(ask: () => Promise<unknown>): Promise<void> {
    if (!this.#isConnected) throw new Error(CUT);
    const cut = Promise.withResolvers<never>();
    this.#unanswered.add(cut.reject);
    this.#ackAll();
    await Promise.race([ask(), cut.promise]).finally(() => this.#unanswered.delete(cut.reject));
  }

  take(subject: string, onMessage: (handed: Handed, subject: string) => void): void {
    this.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        const { data: bytes, subject } = message;
        onMessage({ bytes, ack: () => this.#ack(() => message.respond()) }, subject);
      },
    });
  }

  async createQueue(queue: string, subjects: readonly string[], job: string): Promise<void> {
    await this.#tried(this.jsm.streams.add({
      name: queue,
      description: `Lanes: job ${job}`,
      subjects: [...subjects],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      duplicate_window: REMEMBER_MS * NANOS,
    }));
    await this.#tried(this.#objects.create(queue, { storage: StorageType.File }));
    this.#queue = queue;
  }

  async removeQueue(queue: string): Promise<void> {
    this.#queue = undefined;
    // The objects go first, because only the queue's name leads to them.
    await this.jsm.streams.delete(bucketOf(queue)).catch(() => {}); // it may have been removed before
    await this.jsm.streams.delete(queue);
  }

  async store(subject: string, id: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#answer(() => this.#js.publish(subject, bytes, { msgID: id, timeout: STORE_MS }));
    } catch (error) {
      // The client reports this error if no queue listens on the subject.
      if ((error as Error).name === "JetStreamNotEnabled") void this.#checkQueue();
      throw error;
    }
  }

  refusalOf(error: unknown): BrokerError | undefined {
    const { name, code } = error as { name?: unknown; code?: unknown };
    if (name !== "JetStreamApiError" || code === BUSY_CODE) return undefined;
    const problem = `it stores nothing more: ${wordsOf(error)}`;
    const remedy = "give it more room; one before 2.9.15 counts what is gone until it is restarted";
    return new BrokerError(this.where, problem, remedy);
  }

  async consume(
    queue: string,
    { name, subject, most, onMessage }: Parameters<Broker["consume"]>[1],
  ): Promise<{ close(): Promise<void> }> {
    const start = async (): Promise<Closable> => {
      await this.jsm.consumers.add(queue, {
        durable_name: name,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MS * NANOS,
        max_ack_pending: most,
      });
      const consumer = await this.#js.consumers.get(queue, name);
      return await consumer.consume({
        max_messages: most,
        expires: PULL_MS,
        callback: (message) =>
          onMessage({
            id: message.seq,
            bytes: message.data,
            ack: () => this.#ack(() => message.ack()),
            working: () => attempt(() => message.working()),
          }),
      });
    };
    let messages = start();
    await messages;
    // A new consumer gets the messages at once that were on their way when the connection was lost.
    const restart = () => {
      messages = messages.then(async (old) => {
        await old.close();
        await this.removeConsumer(queue, name).catch(() => {}); // it may have been removed before
        return await start();
      }).catch(() => NO_MESSAGES); // its job has ended, or the connection is lost again
    };
    this.#consumers.add(restart);
    return {
      close: async () => {
        this.#consumers.delete(restart);
        await (await messages).close();
      },
    };
  }

  #ack(tell: () => void): void {
    if (this.#acks.push(tell) >= MOST_ACKS) this.#ackAll();
    else this.#ackTimer ??= clock.setTimeout(() => this.#ackAll(), ACK_MS);
  }

  #ackAll(): void {
    clock.clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    // If the connection is closed, the messages that aren't acknowledged are delivered again.
    for (const tell of this.#acks.splice(0)) attempt(tell);
  }

  async removeConsumer(queue: string, name: string): Promise<void> {
    await this.jsm.consumers.delete(queue, name);
  }

  async purge(queue: string, subject: string): Promise<void> {
    await this.jsm.streams.purge(queue, { filter: subject });
  }

  async putObject(queue: string, name: string, bytes: Uint8Array): Promise<void> {
    await (await this.#objects.open(queue, false)).putBlob({ name }, bytes);
  }

  async getObject(queue: string, name: string): Promise<Uint8Array> {
    const bytes = await (await this.#objects.open(queue, false)).getBlob(name);
    if (bytes === null) throw new Error(`The object ${name} is not there`);
    return bytes;
  }

  async removeObject(queue: string, name: string): Promise<void> {
    await (await this.#objects.open(queue, false)).delete(name);
  }

  async bury(letter: DeadLetter): Promise<void> {
    await this.jsm.streams.add({
      name: DEAD_QUEUE,
      description: "Lanes: items that ended more than one lane",
      subjects: ["lanes.dead.*"],
      storage: StorageType.File,
      max_msgs: MOST_LETTERS,
    });
    await this.#js.publish(`lanes.dead.${letter.job}`, encode(letter));
  }

  async queues(): Promise<QueueInfo[]> {
    const found: QueueInfo[] = [];
    for await (const { config: { name }, state, created } of this.jsm.streams.list()) {
      if (!name.startsWith(QUEUE_PREFIX)) continue;
      const { messages, bytes } = state;
      found.push({ name, messages, bytes, createdAt: created });
    }
    return found;
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    const { state } = await this.jsm.streams.info(DEAD_QUEUE).catch(() => ({ state: undefined }));
    if (state === undefined) return letters;
    const first = Math.max(state.first_seq, state.last_seq - SHOWN_LETTERS + 1);
    for (let seq = first; seq > 0 && seq <= state.last_seq; seq++) {
      const message = await this.jsm.streams.getMessage(DEAD_QUEUE, { seq }).catch(() => null);
      const letter = attempt(() => message?.json());
      if (isDeadLetter(letter)) letters.push(letter);
    }
    return letters;
  }

  async close(): Promise<void> {
    this.#ackAll();
    await this.nc.close();
  }
}
