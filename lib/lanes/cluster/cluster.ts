/**
 * A job's record of the machines it runs on: which have joined, which lanes are leased, and which machines are
 * lost. It connects when the first lane is needed.
 */

import { wordsOf } from "../attempt.ts";
import { LaneStartError, NoneFreeError } from "../errors.ts";
import type { QuarantinedItem, Suspicion } from "../lane.ts";
import type { Frame } from "../subprocess/frame.ts";
import { clock, within } from "../timers.ts";
import {
  BEAT_MS,
  type Broker,
  BrokerError,
  type DeadLetter,
  Heard,
  isLeaseAnswer,
  isMachineBeat,
  type JobBeat,
  type LeaseAnswer,
  type LeaseRequest,
  type MachineBeat,
  type ModuleName,
  queueOf,
  Subject,
} from "./broker.ts";
import { moduleDigest } from "./module_digest.ts";
import { type Post, Receiver, Sender } from "./post.ts";

interface ClusterHost {
  readonly connect: () => Promise<Broker>;
  /** A machine that isn't heard from for this many milliseconds is lost. */
  readonly silenceMs: number;
}

export interface WantedLane {
  readonly slots: number;
  /** Modules of one project that the lane loads as it starts, first the one of the task that waits. */
  readonly modules: readonly string[];
}

interface LeaseEvents {
  /** Receives a frame of the lane; the first ones may arrive before `lease` resolves. */
  receive(frame: Frame, lease: Lease): void;
  /** The machine leaves once its running tasks have ended, so this lane takes no more batches. */
  leaving(): void;
  /** The machine is lost, or the connection to it. */
  lost(how: string, suspicion: Suspicion): void;
}

export interface Lease {
  readonly number: number;
  readonly machine: Machine;
  readonly events: LeaseEvents;
  readonly sender: Sender;
  readonly receiver: Receiver<undefined>;
  /** Added to a time of the machine's clock, gives the caller's clock; both in milliseconds since 1970. */
  readonly clockOffsetMs: number;
  /** The number of slots requested, or fewer if the machine's operator allows fewer. */
  readonly slots: number;
  /** Modules that can't be read here, and why: the lane runs none of them. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Whether the lane is about to be given back, so that others may wait for it. */
  isLeaving: boolean;
  /** How many heartbeats in a row didn't list the lane; they count from the machine's answer to the request. */
  missed: number;
}

interface Machine extends Omit<MachineBeat, "lanes" | "leased" | "leaves"> {
  lanes: number;
  heardMs: number;
  /** How many of its lanes in a row couldn't be leased, or ended before they were ready. */
  failures: number;
  /** The {@linkcode clockOffset}, once it has been measured. */
  clock: Promise<number> | undefined;
}

/** How long to wait for the first machine, in milliseconds. */
const JOIN_MS = 2000;
/** How long to wait for another machine after the last one was lost, or for the server, in milliseconds. */
const REJOIN_MS = 60_000;
const ANSWER_MS = 10_000;
/** How long closing waits for the server, in milliseconds; what then stays there, `--purge` removes. */
const CLOSE_MS = 3000;
/** How many refusals are retried, a heartbeat later each: the machine may still be ending lanes of this job. */
const MOST_TRIES = 5;
/** The most characters of each text in a dead letter. */
const MOST_TEXT = 2000;
/** A lane that is missing in this many heartbeats in a row is lost; its own message of its end may be late. */
const MOST_MISSED = 3;
const CLOCK_ASKS = 5;
export const UNREADABLE =
  "said what can't be read; its machine and this program need the same version of Lanes";

export class Cluster {
  /** The job's id. With `--seed` UUIDs may repeat, so the start time is part of it. */
  readonly id: string = `${Math.round(1000 * clock.timeOriginMs).toString(36)}${
    crypto.randomUUID().slice(0, 8)
  }`;
  readonly #machines = new Heard<Machine>();
  /** Leases by number, including lanes that are being requested. */
  readonly #leases = new Map<number, Lease>();
  #broker: Broker | undefined;
  #opening: Promise<Broker> | undefined;
  #joined = Promise.withResolvers<void>();
  #freed = Promise.withResolvers<void>();
  #lastLane = 0;
  readonly #kept: Post["kept"] = new Map();
  #lostMs: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #connectedMs = 0;
  #leaving: Promise<void> | undefined;
  #whyLeft = "the executor was closed";
  #isClosed = false;
  /** Resolved by `close`, so that no lease waits any longer. */
  readonly #closing = Promise.withResolvers<void>();
  /** Settles when no module is being read for a lane; `close` waits for it. */
  #reading: Promise<unknown> = Promise.resolve();
  readonly #burials = new Set<Promise<void>>();

  constructor(private readonly host: ClusterHost) {}

  /** How many lanes have joined; undefined if none is known. */
  get lanes(): number | undefined {
    return lanesOf(this.#machines.values()) || undefined;
  }

  #leasesOf(machine: Machine): Lease[] {
    return [...this.#leases.values()].filter((lease) => lease.machine === machine);
  }

  #roomOf(machine: Machine): number {
    return Math.max(0, machine.lanes - this.#leasesOf(machine).length);
  }

  /** Sorts machines: those with a free lane, of these those whose lanes start, then by free lanes. */
  #compare(one: Machine, other: Machine): number {
    const [room, otherRoom] = [this.#roomOf(one), this.#roomOf(other)];
    return Number(room === 0) - Number(otherRoom === 0) || one.failures - other.failures ||
      otherRoom - room;
  }

  #open(): Promise<Broker> {
    return this.#opening ??= this.#connect().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
  }

  async #connect(): Promise<Broker> {
    const broker = await this.host.connect();
    try {
      broker.onReconnect(() => {
        this.#machines.hearAll();
        broker.tell(Subject.call, null);
      });
      broker.listen(Subject.machine("*"), (beat) => isMachineBeat(beat) && this.#onBeat(beat));
      broker.listen(Subject.job(this.id), () => this.#machines.echo());
      await broker.createQueue(queueOf(this.id), [Subject.to(this.id, "*")], this.id);
      broker.take(Subject.from(this.id, "*"), (handed, subject) => {
        const lease = this.#leases.get(Number(subject.split(".").at(-1)));
        if (lease === undefined) return handed.ack();
        const unreadable = () => lease.events.lost(UNREADABLE, "slight");
        void lease.receiver.take(handed.bytes, undefined).catch(unreadable)
          .then(() => handed.ack());
      });
      this.#timer = clock.setInterval(() => this.#beat(), BEAT_MS);
      Deno.unrefTimer(this.#timer);
      broker.tell(Subject.call, null);
    } catch (error) {
      await broker.close();
      throw error;
    }
    this.#connectedMs = clock.now();
    this.#broker = broker;
    void broker.gone.then((error) => this.#leave(broker, error.message));
    return broker;
  }

  #onBeat(beat: MachineBeat): void {
    if (beat.leaves) return this.#lose(beat.id, `left with its machine ${beat.name}`, "none");
    const known = this.#machines.get(beat.id);
    if (known === undefined && beat.lanes === 0) return;
    const machine = known ?? { ...beat, heardMs: 0, failures: 0, clock: undefined };
    this.#machines.set(beat.id, machine);
    machine.heardMs = clock.now();
    machine.lanes = beat.lanes;
    const there = beat.leased[this.id] ?? [];
    for (const lease of this.#leasesOf(machine)) {
      if (beat.lanes === 0) lease.events.leaving();
      lease.missed = there.includes(lease.number) ? 0 : lease.missed + 1;
      if (lease.missed < MOST_MISSED) continue;
      this.end(lease);
      lease.events.lost(`was lost: its machine ${beat.name} has ended it`, "slight");
    }
    this.#joined.resolve();
  }

  #beat(): void {
    const broker = this.#broker;
    if (broker === undefined) return;
    const nowMs = clock.now();
    if (broker.isConnected) this.#connectedMs = nowMs;
    else if (nowMs - this.#connectedMs < REJOIN_MS) return;
    else return this.#leave(broker, `${broker.where} has not answered for ${REJOIN_MS} ms`);
    const lanes = [...this.#leases.keys()];
    broker.tell(Subject.job(this.id), { job: this.id, lanes } satisfies JobBeat);
    const { silenceMs } = this.host;
    for (const [id, { name }] of this.#machines.silent(silenceMs)) {
      const how = `was lost: its machine ${name} has not been heard of for ${silenceMs} ms`;
      this.#lose(id, how, "slight");
    }
  }

  /** Gives up the connection to the server for good; the next lane opens another. */
  #leave(broker: Broker, why: string): void {
    if (this.#broker !== broker) return;
    clock.clearInterval(this.#timer);
    this.#broker = undefined;
    this.#opening = undefined;
    this.#whyLeft = why;
    // The next queue is another one, without the objects of this.
    this.#kept.clear();
    this.#joined.resolve();
    this.#joined = Promise.withResolvers();
    for (const id of this.#machines.keys()) this.#lose(id, `was lost: ${why}`, "none");
    this.#leaving = broker.close();
  }

  #lose(id: string, how: string, suspicion: Suspicion): void {
    const machine = this.#machines.get(id);
    if (machine === undefined) return;
    this.#machines.delete(id);
    if (this.#machines.size === 0) {
      this.#lostMs = clock.now();
      this.#joined = Promise.withResolvers();
    }
    for (const lease of this.#leasesOf(machine)) {
      // Messages that the lane still sends are ignored.
      this.end(lease);
      lease.events.lost(how, suspicion);
    }
  }

  /** Waits until a machine has joined; longer if there were machines before. */
  async #someMachine(broker: Broker): Promise<void> {
    const isThere = () => {
      if (this.#isClosed || this.#broker !== broker) throw new LaneStartError(this.#whyLeft);
      return this.#machines.size > 0;
    };
    if (isThere()) return;
    const lostMs = this.#lostMs ?? -Infinity;
    const waitMs = Math.max(JOIN_MS, lostMs + REJOIN_MS - clock.now());
    await within(waitMs, this.#joined.promise, () => {});
    if (isThere()) return;
    const what = this.#lostMs === undefined
      ? `no machine has joined at ${broker.where}`
      : `all machines at ${broker.where} were lost or left, and none has joined since`;
    throw new LaneStartError(
      `${what}; start one with deno task lane --servers ${broker.where}`,
    );
  }

  /** Reads the modules' contents for their digests, or records why they can't be read. */
  async #read(names: Iterable<string>) {
    const modules: ModuleName[] = [];
    const unreadable = new Map<string, string>();
    for (const module of new Set(names)) {
      if (this.#isClosed) break;
      try {
        modules.push({ module, digest: await moduleDigest(module) });
      } catch (error) {
        const isThere = !(error instanceof Deno.errors.NotFound);
        unreadable.set(module, isThere ? wordsOf(error) : `Module not found "${module}"`);
      }
    }
    return { modules, unreadable };
  }

  /**
   * Leases a lane of a machine, preferably of one that runs the first of the modules.
   *
   * @throws {LaneStartError} If no lane is free.
   */
  async lease({ slots, modules: names }: WantedLane, events: LeaseEvents): Promise<Lease> {
    const broker = await this.#open();
    const reading = this.#read(names);
    this.#reading = Promise.all([this.#reading, reading]).then(() => {});
    const { modules, unreadable } = await reading;
    const refusing = new Set<Machine>();
    const mute = new Set<Machine>();
    let tries = 0;
    while (true) {
      await this.#someMachine(broker);
      const machines = [...this.#machines.values()].filter((machine) => !mute.has(machine))
        .sort((one, other) => this.#compare(one, other));
      const willing = machines.filter((machine) => !refusing.has(machine));
      const usable = willing.length > 0 ? willing : machines;
      const [best] = usable;
      if (best === undefined) throw new LaneStartError(`no machine at ${broker.where} answers`);
      if (this.#roomOf(best) === 0) {
        const someLeave = [...this.#leases.values()].some(({ isLeaving }) => isLeaving);
        if (!someLeave) throw allInUse(broker, lanesOf(usable));
        await within(BEAT_MS, this.#freed.promise, () => {});
        continue;
      }
      const clockOffsetMs = await (best.clock ??= clockOffset(broker, best.id));
      // Meanwhile another lane may have taken the room, or the machine may be lost.
      if (this.#roomOf(best) === 0 || !this.#machines.has(best.id)) continue;
      const lease = this.#add(broker, { machine: best, events, slots, clockOffsetMs, unreadable });
      const { number: lane } = lease;
      const insists = willing.length === 0;
      const answer = await ask(broker, best.id, { job: this.id, lane, slots, modules, insists })
        .catch((error) => {
          this.end(lease);
          throw error;
        });
      if (answer === null) {
        lease.missed = 0;
        return lease;
      }
      this.end(lease);
      if (answer === undefined) mute.add(best);
      else if (answer.forModule) refusing.add(best);
      else if (tries++ === MOST_TRIES) throw new LaneStartError(`${best.name}: ${answer.refused}`);
      else {
        best.failures++;
        await within(BEAT_MS, this.#closing.promise, () => {});
      }
    }
  }

  #add(
    broker: Broker,
    of: Pick<Lease, "machine" | "events" | "slots" | "clockOffsetMs" | "unreadable">,
  ): Lease {
    const { machine, events, slots } = of;
    const number = ++this.#lastLane;
    const post = { broker, queue: queueOf(this.id), kept: this.#kept };
    const subject = Subject.to(this.id, number);
    const lease: Lease = {
      ...of,
      number,
      slots: Math.min(slots, machine.slots),
      sender: new Sender(
        post,
        (number, bytes) => broker.store(subject, `${subject}.${number}`, bytes),
      ),
      receiver: new Receiver<undefined>(post, (frame) => events.receive(frame, lease)),
      isLeaving: false,
      missed: -Infinity,
    };
    this.#leases.set(number, lease);
    return lease;
  }

  /** Gives a lane back; its messages are ignored from now on. */
  end({ number, sender, receiver }: Lease): void {
    if (!this.#leases.delete(number)) return;
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
    sender.close();
    receiver.close();
    // If this fails, they are removed with the queue.
    this.#broker?.removeConsumer(queueOf(this.id), `to-${number}`).catch(() => {});
    this.#broker?.purge(queueOf(this.id), Subject.to(this.id, number)).catch(() => {});
  }

  /** Stores an item that ended more than one lane where the machines' operators find it. */
  bury({ task, index, item, reason }: QuarantinedItem): void {
    const letter: DeadLetter = {
      job: this.id,
      task: fit(`${task.export} of ${task.module}`),
      index,
      item: fit(Deno.inspect(item)),
      reason: fit(reason.message),
    };
    const buried = this.#broker?.bury(letter).catch(() => {}); // the caller is told of the item anyway
    if (buried === undefined) return;
    this.#burials.add(buried);
    void buried.finally(() => this.#burials.delete(buried));
  }

  /** Closes the connection, after a while even if the server doesn't answer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { resolve } of [this.#joined, this.#freed, this.#closing]) resolve();
    await within(CLOSE_MS, this.#close(), async () => await this.#broker?.close());
  }

  async #close(): Promise<void> {
    const broker = await this.#opening?.catch(() => undefined);
    await this.#reading;
    clock.clearInterval(this.#timer);
    await this.#leaving;
    if (broker === undefined) return;
    for (const lease of this.#leases.values()) this.end(lease);
    broker.tell(Subject.job(this.id), { job: this.id, lanes: [] } satisfies JobBeat);
    if (broker.isConnected) await Promise.all(this.#burials);
    if (broker.isConnected) await broker.removeQueue(queueOf(this.id)).catch(() => {});
    await broker.close();
  }
}

/** Cuts a text to a length that people read. */
const fit = (text: string) => text.slice(0, MOST_TEXT);

function lanesOf(machines: Iterable<Machine>): number {
  return [...machines].reduce((sum, { lanes }) => sum + lanes, 0);
}

function allInUse({ where }: Broker, lanes: number): NoneFreeError {
  const many = `${lanes === 1 ? "is" : "are"} ${lanes}`;
  return new NoneFreeError(
    `all lanes at ${where} that may run it, of which there ${many}, are in use by this program`,
  );
}

/** Requests a lane of a machine; undefined if the machine doesn't answer. */
async function ask(
  broker: Broker,
  machine: string,
  request: LeaseRequest,
): Promise<LeaseAnswer | undefined> {
  try {
    const answer = await broker.ask(Subject.lease(machine), request, ANSWER_MS);
    return isLeaseAnswer(answer) ? answer : undefined;
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    return undefined;
  }
}

/** Measures the offset of a machine's clock: of several answers, the quickest gives it most precisely. */
async function clockOffset(broker: Broker, machine: string): Promise<number> {
  let [offsetMs, bestMs] = [0, Infinity];
  for (let asked = 0; asked < CLOCK_ASKS; asked++) {
    const askedMs = clock.now();
    const shown = await broker.ask(Subject.clock(machine), null, ANSWER_MS).catch(() => undefined);
    const tookMs = clock.now() - askedMs;
    if (typeof shown !== "number") break;
    if (tookMs >= bestMs) continue;
    bestMs = tookMs;
    offsetMs = clock.timeOriginMs + askedMs + tookMs / 2 - shown;
  }
  return offsetMs;
}
