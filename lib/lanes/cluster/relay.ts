/**
 * A lane that a machine has leased to a job: a subprocess or a thread, whose messages are relayed to and from
 * the server.
 *
 * A batch is acknowledged once the job has received its last report; until then the server keeps the batch.
 */

import { unloadable } from "../lane_tasks.ts";
import {
  type Channel,
  type ChannelEvents,
  droppedHead,
  FromLane,
  REPORT_COUNT,
  REPORT_LAST,
  type TaskToLoad,
  ToLane,
} from "../remote/channel.ts";
import { sealEnvelope } from "../remote/envelope.ts";
import type { Frame } from "../subprocess/frame.ts";
import { type LanePermissions, threadPermissions } from "../permissions.ts";
import { frameCloning, SubprocessChannel } from "../subprocess/subprocess_channel.ts";
import { WorkerChannel } from "../worker/worker_channel.ts";
import { type Broker, type BrokerError, queueOf, type Stored, Subject } from "./broker.ts";
import type { FoundModule } from "./allowed_modules.ts";
import { payloadOf, type Post, Receiver, Sender, unstored } from "./post.ts";
import { Turns } from "./turns.ts";

interface RelayOptions {
  readonly broker: Broker;
  readonly job: string;
  readonly kept: Post["kept"];
  readonly lane: number;
  readonly slots: number;
  /** How many batches the job assumes to fit at once; this machine may allow fewer slots. */
  readonly jobSlots: number;
  readonly permissions: LanePermissions;
  /** Whether the lane is a thread of this program instead of a subprocess. */
  readonly isThread: boolean;
  readonly turns: Turns<Relay>;
  /** Finds this machine's copy of a module that the job names. */
  readonly find: (module: string) => Promise<FoundModule>;
  readonly modules: readonly string[];
  readonly onItems: (count: number) => void;
  readonly onEnd: () => void;
}

/** How many batches a job has waiting for each slot, as the dispatcher does, with room left for messages. */
const MOST_AHEAD = 8;
/** How many other messages may be unacknowledged besides the batches. */
const MOST_CONTROL = 64;
const UNREADABLE = "was sent a message that can't be read";

export class Relay {
  readonly #channel: Channel;
  readonly #sender: Sender;
  readonly #receiver: Receiver<Stored>;
  /** Started batches by id, and batches that wait for a slot or for the lane's turn. */
  readonly #started = new Map<number, Stored>();
  readonly #waiting = new Map<
    number,
    { readonly frame: Frame; readonly stored: Stored; isTold: boolean }
  >();
  #consumer: Promise<{ close(): Promise<void> }> | undefined;
  /** Whether the subprocess has ended, so that another may be started. */
  hasEnded = false;
  #isOver = false;

  /** @throws {LaneStartError} If the subprocess or thread can't be started. */
  constructor(private readonly of: RelayOptions) {
    const { broker, job, kept, lane, slots, permissions, modules, isThread } = of;
    const post = { broker, queue: queueOf(job), kept };
    const carry = (_number: number, bytes: Uint8Array) =>
      broker.hand(Subject.from(job, lane), bytes);
    this.#sender = new Sender(post, carry);
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
        isRelayed: true,
      })
      : new SubprocessChannel(events, { slots, modules, permissions, isRelayed: true });
  }

  async start(): Promise<void> {
    const { broker, job, lane, jobSlots } = this.of;
    this.#consumer = broker.consume(queueOf(job), {
      name: `to-${lane}`,
      subject: Subject.to(job, lane),
      most: jobSlots * (1 + MOST_AHEAD) + MOST_CONTROL,
      onMessage: (stored) => void this.#take(stored),
    });
    await this.#consumer;
  }

  async #take(stored: Stored): Promise<void> {
    try {
      // A repeated message is acknowledged here only if the first one isn't held any more.
      if (await this.#receiver.take(stored.bytes, stored)) return;
    } catch {
      stored.ack();
      return await this.#tellEnd(UNREADABLE);
    }
    if (!this.#held.some(({ id }) => id === stored.id)) stored.ack();
  }

  get #held(): Stored[] {
    return [...this.#started.values(), ...[...this.#waiting.values()].map(({ stored }) => stored)];
  }

  /** Tells the job which batches wait for other programs' tasks, because it may have a free slot elsewhere. */
  tellHeldUp(): void {
    const free = this.of.slots - this.#started.size;
    for (const [id, waiting] of [...this.#waiting].slice(0, Math.max(0, free))) {
      if (!waiting.isTold) void this.#sender.send(FromLane.heldUp, [id]);
      waiting.isTold = true;
    }
  }

  /** Keeps the server from delivering batches again that are still here. */
  beat(): void {
    for (const stored of this.#held) stored.working();
  }

  #receive(frame: Frame, stored: Stored): void {
    const { kind, head } = frame;
    if (this.hasEnded) return stored.ack();
    if (kind === ToLane.batch) {
      this.#waiting.set(head[0]!, { frame, stored, isTold: false });
      return this.#enter();
    }
    stored.ack();
    if (kind === ToLane.load) {
      void this.#load(head[0]!, payloadOf(frame) as TaskToLoad)
        .catch(() => this.#tellEnd(UNREADABLE));
    } else if (kind === ToLane.kill && this.#channel.stopsByForce) this.#channel.kill();
    else if (kind === ToLane.end || kind === ToLane.kill) void this.#close();
    else if (kind === ToLane.recall) this.#drop(head[0]!);
    else if (kind === ToLane.nothing) return;
    else if (kind !== ToLane.ask || head[1] !== 1 || !this.#drop(head[0]!)) {
      this.#pass(frame);
    }
  }

  /** Requests a turn. Waiting batches are kept here until they can start, so that the job can ask them back. */
  #enter(): void {
    const { slots, turns, job } = this.of;
    if (this.#waiting.size > 0 && this.#started.size < slots) {
      turns.enter(job, this, () => this.#startWaiting());
    }
  }

  #startWaiting(): void {
    for (const [id, { frame, stored }] of this.#waiting) {
      if (this.#started.size === this.of.slots) break;
      this.#waiting.delete(id);
      this.#started.set(id, stored);
      try {
        this.#pass(frame);
      } catch {
        // Caught here, because another job's lane may be the caller, when it gave up its turn.
        void this.#tellEnd(UNREADABLE);
      }
    }
    this.#leaveIfIdle();
  }

  /** A subprocess decodes frames itself; a thread is sent the decoded values. */
  #pass(frame: Frame): void {
    this.#channel.send(frame.kind, frame.head, this.of.isThread ? payloadOf(frame) : frame);
  }

  /** Gives up the turn if no batch runs, also when the waiting batches were dropped meanwhile. */
  #leaveIfIdle(): void {
    if (this.#started.size === 0) this.of.turns.leave(this);
  }

  /** Drops a waiting batch; false if it doesn't wait here. */
  #drop(id: number): boolean {
    const { stored } = this.#waiting.get(id) ?? {};
    if (stored === undefined) return false;
    this.#waiting.delete(id);
    void this.#sender.send(FromLane.report, droppedHead(id)).then(() => stored.ack());
    return true;
  }

  async #load(number: number, { module, ...rest }: TaskToLoad): Promise<void> {
    const found = await this.of.find(module);
    if ("refused" in found) {
      const error = unloadable(module, found.refused);
      return void this.#sender.send(
        FromLane.unloadable,
        [number],
        sealEnvelope(error, frameCloning),
      );
    }
    this.#channel.send(ToLane.load, [number], { module: found.local, ...rest });
  }

  #onMessage(kind: number, head: ArrayLike<number>, payload: unknown): void {
    if (kind !== FromLane.report) return void this.#sender.send(kind, head, payload);
    const [id, count, last] = [head[0]!, head[REPORT_COUNT]!, head[REPORT_LAST] === 1];
    const refused = (why: BrokerError) => unstored(id, count, last, why);
    const isThere = this.#sender.send(kind, head, payload, refused);
    this.of.onItems(count);
    const stored = this.#started.get(id);
    if (!last || stored === undefined) return;
    this.#started.delete(id);
    this.#leaveIfIdle();
    this.#enter();
    void isThere.then(() => stored.ack());
  }

  async #close(): Promise<void> {
    await this.#channel.close();
    await this.#tellEnd("was closed");
  }

  async #tellEnd(how: string): Promise<void> {
    this.hasEnded = true;
    // Waiting batches haven't run, so they are given back, however the lane ended.
    for (const id of [...this.#waiting.keys()]) this.#drop(id);
    await this.#sender.send(FromLane.ended, [], how);
    for (const stored of this.#held) stored.ack();
    await this.end();
  }

  /** Ends the subprocess or thread whatever it does, without telling the job. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { turns, job, onEnd } = this.of;
    this.#started.clear();
    this.#waiting.clear();
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
