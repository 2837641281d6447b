/**
 * A lane that a machine has leased to a job: a subprocess, or a thread, and what goes between it and the
 * server.
 *
 * A batch is acknowledged once what became of it is stored for the job, so until then the server keeps it.
 */

import { TaskLoadError } from "../errors.ts";
import {
  type Channel,
  type ChannelEvents,
  FromLane,
  REPORT_COUNT,
  REPORT_LAST,
  reportHead,
  type TaskToLoad,
  ToLane,
} from "../remote/channel.ts";
import { sealEnvelope } from "../remote/envelope.ts";
import type { Frame } from "../subprocess/frame.ts";
import { type LanePermissions, threadPermissions } from "../permissions.ts";
import { SubprocessChannel, way } from "../subprocess/subprocess_channel.ts";
import { WorkerChannel } from "../worker/worker_channel.ts";
import type { FoundModule } from "./allowed_modules.ts";
import { type Broker, queueOf, type Stored, Subject } from "./broker.ts";
import { payloadOf, type Post, Receiver, Sender } from "./post.ts";
import type { Turns } from "./turns.ts";

export interface RelayOptions {
  readonly broker: Broker;
  readonly job: string;
  readonly kept: Post["kept"];
  readonly lane: number;
  readonly slots: number;
  readonly permissions: LanePermissions;
  /** Whether it is a thread of this program instead of a subprocess. */
  readonly isThread: boolean;
  readonly turns: Turns<Relay>;
  /** The module here of one that the job names. */
  readonly find: (module: string) => Promise<FoundModule>;
  /** Modules that it loads as it starts. */
  readonly modules: readonly string[];
  readonly onItems: (count: number) => void;
  readonly onEnd: () => void;
}

/** Control messages that may be on their way beside the batches. */
const MOST_CONTROL = 64;
const THREAD = new URL("./thread_main.ts", import.meta.url);

export class Relay {
  readonly #of: RelayOptions;
  readonly #channel: Channel;
  readonly #sender: Sender;
  readonly #receiver: Receiver<Stored>;
  /** Batches that are not done with, by their ids: started, or waiting for the machine's turn. */
  readonly #batches = new Map<number, { readonly stored: Stored; isStarted: boolean }>();
  #consumer: Promise<{ close(): Promise<void> }> | undefined;
  /** Whether the subprocess has ended, so that another may be started. */
  hasEnded = false;
  #isOver = false;

  /** @throws {LaneStartError} If the subprocess or thread can't be started. */
  constructor(options: RelayOptions) {
    this.#of = options;
    const { broker, job, kept, lane, slots, permissions, modules, isThread } = options;
    const post = { broker, queue: queueOf(job), kept };
    this.#sender = new Sender(post, Subject.from(job, lane), () => this.end());
    this.#receiver = new Receiver(post, (frame, stored) => this.#receive(frame, stored));
    const events: ChannelEvents = {
      message: (kind, head, payload) => this.#onMessage(kind, head, payload),
      ended: (how) => void this.#tellEnd(how),
    };
    this.#channel = isThread
      ? new WorkerChannel(events, {
        number: lane,
        slots,
        modules,
        permissions: threadPermissions(permissions),
        entry: THREAD,
        isRelayed: true,
      })
      : new SubprocessChannel(events, { slots, modules, permissions });
  }

  /** Begins to take what the job sends. */
  async start(): Promise<void> {
    const { broker, job, lane, slots } = this.#of;
    this.#consumer = broker.consume(queueOf(job), {
      name: `to-${lane}`,
      subject: Subject.to(job, lane),
      most: slots + MOST_CONTROL,
      onMessage: (stored) => void this.#take(stored),
    });
    await this.#consumer;
  }

  async #take(stored: Stored): Promise<void> {
    try {
      // One that comes again is acknowledged when the first is, or was and that got lost.
      if (await this.#receiver.take(stored.bytes, stored)) return;
    } catch {
      stored.ack();
      return await this.#tellEnd("was sent a message that can't be read");
    }
    if (![...this.#batches.values()].some((batch) => batch.stored.id === stored.id)) stored.ack();
  }

  /** Keeps the server from delivering again what is worked on. */
  beat(): void {
    for (const { stored } of this.#batches.values()) stored.working();
  }

  #receive(frame: Frame, stored: Stored): void {
    const { kind, head } = frame;
    if (kind === ToLane.batch) return this.#enter(frame, stored);
    stored.ack();
    if (kind === ToLane.load) void this.#load(head[0]!, payloadOf(frame) as TaskToLoad);
    else if (kind === ToLane.kill && this.#channel.stopsByForce) this.#channel.kill();
    else if (kind === ToLane.end || kind === ToLane.kill) void this.#close();
    else if (kind !== ToLane.ask || !this.#drop(head[0]!, head[1] === 1)) {
      this.#channel.send(kind, head, payloadOf(frame));
    }
  }

  #enter(frame: Frame, stored: Stored): void {
    const id = frame.head[0]!;
    const batch = { stored, isStarted: false };
    this.#batches.set(id, batch);
    this.#of.turns.enter(this.#of.job, this, () => {
      // It may have been cancelled while it waited.
      if (this.#batches.get(id) !== batch) return this.#of.turns.leave(this);
      batch.isStarted = true;
      this.#channel.send(frame.kind, frame.head, payloadOf(frame));
    });
  }

  /** A batch that was cancelled while it waited for its turn is not started. */
  #drop(id: number, isCancel: boolean): boolean {
    const batch = this.#batches.get(id);
    if (!isCancel || batch === undefined || batch.isStarted) return false;
    const nowMs = performance.now();
    const nothing = { count: 0, startedAtMs: nowMs, endedAtMs: nowMs, times: undefined };
    this.#onMessage(FromLane.report, reportHead(id, { ...nothing, last: true }, false), undefined);
    return true;
  }

  async #load(number: number, { module, ...rest }: TaskToLoad): Promise<void> {
    const found = await this.#of.find(module);
    if ("refused" in found) {
      const error = new TaskLoadError(`Cannot load task module ${module}: ${found.refused}`);
      return void this.#sender.send(FromLane.unloadable, [number], sealEnvelope(error, way));
    }
    this.#channel.send(ToLane.load, [number], { module: found.local, ...rest });
  }

  #onMessage(kind: number, head: ArrayLike<number>, payload: unknown): void {
    const isStored = this.#sender.send(kind, head, payload);
    if (kind !== FromLane.report) return;
    this.#of.onItems(head[REPORT_COUNT]!);
    const batch = this.#batches.get(head[0]!);
    if (head[REPORT_LAST] !== 1 || batch === undefined) return;
    this.#batches.delete(head[0]!);
    if (batch.isStarted) this.#of.turns.leave(this);
    void isStored.then(() => batch.stored.ack());
  }

  async #close(): Promise<void> {
    await this.#channel.close();
    await this.#tellEnd("was closed");
  }

  async #tellEnd(how: string): Promise<void> {
    this.hasEnded = true;
    await this.#sender.send(FromLane.ended, [], how);
    for (const { stored } of this.#batches.values()) stored.ack();
    await this.end();
  }

  /** Ends the subprocess or thread, whatever it does; nobody is told. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { turns, job, onEnd } = this.#of;
    this.#batches.clear();
    turns.remove(job, this);
    this.#sender.close();
    this.#receiver.close();
    await Promise.all([
      this.#channel.close(),
      this.#consumer?.then((consumer) => consumer.close()).catch(() => {}),
    ]);
    onEnd();
  }
}
