/** The server that connects a cluster's machines: its address, the interface to it, and its subjects. */

import { clock } from "../timers.ts";

/** The port of a NATS server if its address has none. */
const DEFAULT_PORT = 4222;

export function hostOf(server: string): string {
  const { host, port } = new URL(/^[a-z]+:\/\//i.test(server) ? server : `nats://${server}`);
  return port === "" ? `${host}:${DEFAULT_PORT}` : host;
}

export interface ServerOptions {
  /** Addresses such as `nats://127.0.0.1:4222`, of one server or of all servers of a cluster. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly creds?: string | undefined;
  /** Path of the CA certificates that check the server's certificate. */
  readonly tlsCa?: string | undefined;
}

/** For each file that server options name: its content, text that identifies it, and advice for errors. */
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

/** A message that its sender keeps until it is acknowledged. */
export interface Handed {
  readonly bytes: Uint8Array;
  /** Acknowledges the message, soon and together with others. */
  ack(): void;
}

/** A message that the server stores, and delivers again if it isn't acknowledged in time. */
export interface Stored extends Handed {
  /** The message's number, the same at each delivery. */
  readonly id: number;
  /** Puts off the next delivery. */
  working(): void;
}

interface ConsumerOptions {
  readonly name: string;
  readonly subject: string;
  readonly most: number;
  readonly onMessage: (stored: Stored) => void;
}

/** A connection to the server. After `close` it calls none of its callbacks. */
export interface Broker {
  /** The server's address, without anything secret. */
  readonly where: string;
  readonly mostBytes: number;
  readonly isConnected: boolean;
  /** Resolves if the connection is lost for good, for example by expired credentials, or if the queue is. */
  readonly gone: Promise<BrokerError>;
  /** Calls back when the connection is back after a loss. */
  onReconnect(tell: () => void): void;
  /** Sends a value to all current listeners. */
  tell(subject: string, value: unknown): void;
  /** Receives values; the listener's answer goes back to the sender that asked. */
  listen(subject: string, hear: (value: unknown) => unknown): void;
  ask(subject: string, value: unknown, timeoutMs: number): Promise<unknown>;
  /** Sends bytes to a receiver; rejects if their arrival isn't confirmed. */
  hand(subject: string, bytes: Uint8Array): Promise<void>;
  take(subject: string, onMessage: (handed: Handed, subject: string) => void): void;
  /** Creates a queue, which stores messages until they are acknowledged. */
  createQueue(queue: string, subjects: readonly string[], job: string): Promise<void>;
  removeQueue(queue: string): Promise<void>;
  /** Stores a message once, even if this is called several times with the same id. */
  store(subject: string, id: string, bytes: Uint8Array): Promise<void>;
  /** The reason for a failed `store` if the server refuses to store; undefined if it only didn't answer. */
  refusalOf(error: unknown): BrokerError | undefined;
  consume(queue: string, options: ConsumerOptions): Promise<{ close(): Promise<void> }>;
  removeConsumer(queue: string, name: string): Promise<void>;
  /** Removes a queue's messages with this subject. */
  purge(queue: string, subject: string): Promise<void>;
  /** Stores bytes that are too large for a message, together with a queue. */
  putObject(queue: string, name: string, bytes: Uint8Array): Promise<void>;
  getObject(queue: string, name: string): Promise<Uint8Array>;
  removeObject(queue: string, name: string): Promise<void>;
  /** Stores an item that ended several lanes, so that it outlives its job. */
  bury(letter: DeadLetter): Promise<void>;
  close(): Promise<void>;
}

/** An item that ended more than one lane. */
export interface DeadLetter {
  readonly job: string;
  readonly task: string;
  readonly index: number;
  /** The item as shown to people. */
  readonly item: string;
  readonly reason: string;
}

/** A server that can't be used, and advice what to do about it. */
export class BrokerError extends Error {
  override name = "BrokerError";

  constructor(readonly where: string, readonly problem: string, readonly remedy: string) {
    super(`Cannot use ${where}: ${problem}; ${remedy}`);
  }
}

export const Subject = {
  /** Asks all machines for a heartbeat. */
  call: "lanes.call",
  machine: (id: string): string => `lanes.machine.${id}`,
  lease: (id: string): string => `lanes.lease.${id}`,
  /** Asks a machine for the time on its clock, in milliseconds since 1970. */
  clock: (id: string): string => `lanes.clock.${id}`,
  job: (id: string): string => `lanes.job.${id}`,
  /** Messages from a job to a lane, which the server stores, and those from the lane to the job. */
  to: (job: string, lane: number | "*"): string => `lanes.to.${job}.${lane}`,
  from: (job: string, lane: number | "*"): string => `lanes.from.${job}.${lane}`,
} as const;

export const queueOf = (job: string): string => `LANES-${job}`;

/** Parties that send heartbeats, by id, with the time when each was heard last. */
export class Heard<Party extends { heardMs: number }> extends Map<string, Party> {
  #echoMs = clock.now();

  /** This side's own heartbeat came back; while it doesn't, no other can arrive either. */
  echo(): void {
    this.#echoMs = clock.now();
  }

  /** Restarts the silence of all, because none of them could be heard. */
  hearAll(): void {
    for (const party of this.values()) party.heardMs = clock.now();
  }

  /** Parties that haven't been heard from for this many milliseconds. */
  silent(silenceMs: number): [string, Party][] {
    const nowMs = clock.now();
    if (nowMs - this.#echoMs >= MOST_ECHO_MS) this.hearAll();
    return [...this].filter(([, { heardMs }]) => nowMs - heardMs >= silenceMs);
  }
}

/** How often machines and jobs send heartbeats, in milliseconds. */
export const BEAT_MS = 1000;
const MOST_ECHO_MS = 2.5 * BEAT_MS;
/** Milliseconds until an unacknowledged message is delivered again, unless `working` puts it off. */
export const ACK_WAIT_MS = 30_000;

export interface MachineBeat {
  readonly id: string;
  readonly name: string;
  /** How many lanes run tasks at a time, and how many each job may lease; 0 once the machine is leaving. */
  readonly lanes: number;
  /** The most tasks in flight on each lane, whatever a job requests. */
  readonly slots: number;
  /** Whether lanes are threads, where a loop that never yields can't be ended, instead of subprocesses. */
  readonly threads: boolean;
  /** The numbers of the leased lanes, by job. */
  readonly leased: Readonly<Record<string, readonly number[]>>;
  readonly leaves?: boolean;
}

export interface JobBeat {
  readonly job: string;
  readonly lanes: readonly number[];
}

/** A module that a lane must run, and the digest of its content. */
export interface ModuleName {
  readonly module: string;
  readonly digest: string;
}

export interface LeaseRequest {
  readonly job: string;
  readonly lane: number;
  readonly slots: number;
  /** The modules to start the lane with, first the one that it is needed for. */
  readonly modules: readonly ModuleName[];
  /** Whether to start the lane even if that module is refused, so that the task reports why. */
  readonly insists: boolean;
}

/** Why no lane is given, and whether the module is the reason; null if one is given. */
export type LeaseAnswer = { readonly refused: string; readonly forModule: boolean } | null;

const isCount = (value: unknown, least = 1) =>
  Number.isSafeInteger(value) && value as number >= least;
const isText = (value: unknown): value is string => typeof value === "string";

/** Other programs on the same server may send anything. */
export function isMachineBeat(value: unknown): value is MachineBeat {
  const { id, name, lanes, slots, leased } = (value ?? {}) as Partial<MachineBeat>;
  return isText(id) && isText(name) && isCount(lanes, 0) && isCount(slots) &&
    typeof leased === "object" && leased !== null && Object.values(leased).every(Array.isArray);
}

export function isDeadLetter(value: unknown): value is DeadLetter {
  const { job, task, index, item, reason } = (value ?? {}) as Partial<DeadLetter>;
  return [job, task, item, reason].every(isText) && isCount(index, 0);
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
