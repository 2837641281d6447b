/** The server between a cluster's machines: where it is, what is asked of it, how its subjects are named. */

import { clock } from "../timers.ts";

/** The port of a NATS server whose address names none. */
const DEFAULT_PORT = 4222;

export function hostOf(server: string): string {
  const { host, port } = new URL(/^[a-z]+:\/\//i.test(server) ? server : `nats://${server}`);
  return port === "" ? `${host}:${DEFAULT_PORT}` : host;
}

export interface ServerOptions {
  /** Addresses such as `nats://127.0.0.1:4222`, of one server or of several that belong together. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly creds?: string | undefined;
  /** Path of the certificates by which the server's is checked. */
  readonly tlsCa?: string | undefined;
}

/** What files that a server's options name hold, what shows that they do, and which ones to name. */
export const SERVER_FILES = {
  creds: {
    what: "credentials",
    mark: "BEGIN NATS USER JWT",
    name: "name the file that nsc made",
  },
  tlsCa: {
    what: "certificate",
    mark: "BEGIN CERTIFICATE",
    name: "name a PEM file that has one",
  },
} as const;

/** A message that who sent it keeps until it is acknowledged. */
export interface Handed {
  readonly bytes: Uint8Array;
  ack(): void;
  /** The same, together with others. */
  ackSoon(): void;
}

/** One that the server keeps, and delivers again if that takes too long. */
export interface Stored extends Handed {
  /** The same each time it is delivered. */
  readonly id: number;
  /** Puts off its next delivery. */
  working(): void;
}

interface ConsumerOptions {
  readonly name: string;
  readonly subject: string;
  readonly most: number;
  readonly onMessage: (stored: Stored) => void;
}

/** A connection to the server; nothing of it is told after `close`. */
export interface Broker {
  /** Where it is, without anything secret. */
  readonly where: string;
  readonly mostBytes: number;
  readonly isConnected: boolean;
  /** Resolves if it is lost for good, such as with credentials that have expired, or the queue is. */
  readonly gone: Promise<BrokerError>;
  /** Told when the connection is back after it was lost. */
  onReconnect(tell: () => void): void;
  /** Tells whoever listens now. */
  tell(subject: string, value: unknown): void;
  /** Hears what is told; an answer goes back to who asked. */
  listen(subject: string, hear: (value: unknown) => unknown): void;
  ask(subject: string, value: unknown, timeoutMs: number): Promise<unknown>;
  /** Hands bytes to who takes them; rejects if it isn't known to have them. */
  hand(subject: string, bytes: Uint8Array): Promise<void>;
  take(subject: string, onMessage: (handed: Handed, subject: string) => void): void;
  /** Makes a queue, whose messages are stored until they are acknowledged. */
  createQueue(queue: string, subjects: readonly string[], job: string): Promise<void>;
  removeQueue(queue: string): Promise<void>;
  /** Stores a message once, however often it is tried under the same id. */
  store(subject: string, id: string, bytes: Uint8Array): Promise<void>;
  /** What a failed `store` means, if the server won't store it, rather than not answering. */
  refusalOf(error: unknown): BrokerError | undefined;
  consume(queue: string, options: ConsumerOptions): Promise<{ close(): Promise<void> }>;
  removeConsumer(queue: string, name: string): Promise<void>;
  /** Keeps bytes too large for a message, with a queue. */
  putObject(queue: string, name: string, bytes: Uint8Array): Promise<void>;
  getObject(queue: string, name: string): Promise<Uint8Array>;
  removeObject(queue: string, name: string): Promise<void>;
  /** Keeps what befell an item, beyond its job. */
  bury(letter: DeadLetter): Promise<void>;
  close(): Promise<void>;
}

/** An item that ended more than one lane. */
export interface DeadLetter {
  readonly job: string;
  readonly task: string;
  readonly index: number;
  /** As it is shown to people. */
  readonly item: string;
  readonly reason: string;
}

/** A server that can't be used, and what can be done about it. */
export class BrokerError extends Error {
  override name = "BrokerError";

  constructor(readonly where: string, readonly problem: string, readonly remedy: string) {
    super(`Cannot use ${where}: ${problem}; ${remedy}`);
  }
}

export const Subject = {
  /** Machines are asked to tell of themselves. */
  call: "lanes.call",
  machine: (id: string): string => `lanes.machine.${id}`,
  lease: (id: string): string => `lanes.lease.${id}`,
  /** A machine is asked what its clock shows, in milliseconds since 1970. */
  clock: (id: string): string => `lanes.clock.${id}`,
  job: (id: string): string => `lanes.job.${id}`,
  /** What a job sends to a lane, which is stored, and what it is handed from there. */
  to: (job: string, lane: number | "*"): string => `lanes.to.${job}.${lane}`,
  from: (job: string, lane: number | "*"): string => `lanes.from.${job}.${lane}`,
} as const;

export const queueOf = (job: string): string => `LANES-${job}`;

/** Those who tell of themselves, by their ids, and when each was heard last. */
export class Heard<Party extends { heardMs: number }> extends Map<string, Party> {
  #echoMs = clock.now();

  /** What is told here came back: while it doesn't, nobody else can be heard either. */
  echo(): void {
    this.#echoMs = clock.now();
  }

  /** Nobody could be heard meanwhile. */
  hearAll(): void {
    for (const party of this.values()) party.heardMs = clock.now();
  }

  /** Those who haven't been heard for so many milliseconds. */
  silent(silenceMs: number): [string, Party][] {
    const nowMs = clock.now();
    if (nowMs - this.#echoMs >= MOST_ECHO_MS) this.hearAll();
    return [...this].filter(([, { heardMs }]) => nowMs - heardMs >= silenceMs);
  }
}

/** How often machines and jobs tell of themselves, in milliseconds. */
export const BEAT_MS = 1000;
const MOST_ECHO_MS = 2.5 * BEAT_MS;
/** A message that isn't acknowledged is delivered again after so long, unless it is worked on. */
export const ACK_WAIT_MS = 30_000;

export interface MachineBeat {
  readonly id: string;
  readonly name: string;
  /** How many of its lanes run tasks at a time; each job may lease so many. None once it is about to leave. */
  readonly lanes: number;
  /** Tasks in flight on each of them at most, whatever a job asks for. */
  readonly slots: number;
  /** Whether they are threads, in which a loop that never yields can't be ended, instead of subprocesses. */
  readonly threads: boolean;
  /** The lanes that it has leased, by their jobs. */
  readonly leased: Readonly<Record<string, readonly number[]>>;
  readonly leaves?: boolean;
}

export interface JobBeat {
  readonly job: string;
  readonly lanes: readonly number[];
}

/** A module that a lane is to run, and its content. */
export interface ModuleName {
  readonly module: string;
  readonly digest: string;
}

export interface LeaseRequest {
  readonly job: string;
  readonly lane: number;
  readonly slots: number;
  /** What the lane is started with, the module that it is wanted for first. */
  readonly modules: readonly ModuleName[];
  /** Whether the lane is wanted though that module is refused, to hear why. */
  readonly insists: boolean;
}

/** Why it doesn't give a lane, and whether that is for the module; null if it does. */
export type LeaseAnswer = { readonly refused: string; readonly forModule: boolean } | null;

const isCount = (value: unknown, least = 1) =>
  Number.isSafeInteger(value) && value as number >= least;
const isText = (value: unknown): value is string => typeof value === "string";

/** Others may use the same server, and say what they like. */
export function isMachineBeat(value: unknown): value is MachineBeat {
  const { id, name, lanes, slots, leased } = (value ?? {}) as Partial<MachineBeat>;
  return isText(id) && isText(name) && isCount(lanes, 0) && isCount(slots) &&
    typeof leased === "object" && leased !== null && Object.values(leased).every(Array.isArray);
}

export function isLeaseRequest(value: unknown): value is LeaseRequest {
  const { job, lane, slots, modules } = (value ?? {}) as Partial<LeaseRequest>;
  // The job's name becomes part of subjects.
  return isText(job) && /^\w+$/.test(job) && isCount(lane) && isCount(slots) &&
    Array.isArray(modules) &&
    modules.every((of) => isText(of?.module) && isText(of.digest));
}

export function isLeaseAnswer(value: unknown): value is LeaseAnswer {
  return value === null || isText((value as { refused?: unknown } | undefined)?.refused);
}
