/**
 * The machines that a job runs on, as it knows them: who has joined, which lanes are leased, and who is
 * lost. It connects when the first lane is asked for.
 */

import { wordsOf } from "../attempt.ts";
import { LaneStartError } from "../errors.ts";
import type { Frame } from "../subprocess/frame.ts";
import type { Task } from "../task.ts";
import { within } from "../timers.ts";
import {
  BEAT_MS,
  type Broker,
  type DeadLetter,
  Echo,
  isMachineBeat,
  type JobBeat,
  type LeaseAnswer,
  type LeaseRequest,
  type MachineBeat,
  queueOf,
  Subject,
} from "./broker.ts";
import { moduleDigest } from "./module_digest.ts";
import { type Post, Receiver, Sender } from "./post.ts";

/** How a cluster is reached. */
export interface ClusterHost {
  readonly connect: () => Promise<Broker>;
  /** A machine that isn't heard of for so long is lost, in milliseconds. */
  readonly silenceMs: number;
}

/** What a lane is wanted for. */
export interface Wanted {
  readonly slots: number;
  /** Modules, of one project, that it loads as it starts, that of the task which is waiting first. */
  readonly modules: readonly string[];
}

/** Told of one lane. */
export interface LeaseEvents {
  receive(frame: Frame): void;
  /** Its machine is lost, or the way to it. */
  lost(how: string): void;
}

/** A lane of some machine. */
export interface Lease {
  readonly machine: string;
  /** As many as it was wanted for, if its machine's operator allows so many. */
  readonly slots: number;
  /** As {@linkcode Channel.stopsByForce}. */
  readonly stopsByForce: boolean;
  /** Add to a time of the machine's clock to get the caller's, both in milliseconds since 1970. */
  readonly clockOffsetMs: number;
  /** As {@linkcode Sender.send}. */
  send: Sender["send"];
  /** It is about to be given back: others may wait for it. */
  leave(): void;
  /** Gives it back; nothing more is told. */
  end(): void;
}

interface Machine extends Omit<MachineBeat, "leased"> {
  heardMs: number;
  /** Add to a time of its clock to get this program's; undefined until it is measured. */
  clockOffsetMs: number | undefined;
  /** While, and once, it is. */
  clock: Promise<void> | undefined;
  readonly leased: Map<number, Leased>;
}

interface Leased {
  readonly events: LeaseEvents;
  readonly receiver: Receiver<undefined>;
  readonly sender: Sender;
  isLeaving: boolean;
  /** How often in a row its machine didn't name it, since it gave it. */
  missed: number;
}

/** How long the first machine is waited for. */
const JOIN_MS = 2000;
/** And how long another one, once the last has left, or the server. */
const REJOIN_MS = 60_000;
/** How long a machine may take to answer. */
const ANSWER_MS = 10_000;
/** A machine that has yet to end lanes of this job is asked again so often, a beat later each time. */
const MOST_TRIES = 5;
/** A dead letter's texts have so many characters at most. */
const MOST_TEXT = 2000;
/** A lane that its machine doesn't name so often in a row is lost, though it may have said goodbye. */
const MOST_MISSED = 3;
/** How often its clock is asked. */
const CLOCK_ASKS = 5;

/** A job's own view of a cluster. */
export class Cluster {
  readonly id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  readonly #machines = new Map<string, Machine>();
  #broker: Broker | undefined;
  #opening: Promise<Broker> | undefined;
  #joined = Promise.withResolvers<void>();
  /** Some lane was given back. */
  #freed = Promise.withResolvers<void>();
  #lastLane = 0;
  readonly #kept: Post["kept"] = new Map();
  readonly #echo = new Echo();
  /** Whether some machine was there before. */
  #hadMachine = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #connectedMs = 0;
  #leaving: Promise<void> | undefined;
  #whyLeft = "the executor was closed";
  #isClosed = false;
  readonly #burials = new Set<Promise<void>>();

  constructor(private readonly host: ClusterHost) {}

  /** How many lanes have joined; undefined while none is known. */
  get lanes(): number | undefined {
    return lanesOf([...this.#machines.values()]) || undefined;
  }

  /** Whether it is known that no lane is free, or soon will be. */
  get isFull(): boolean {
    const machines = [...this.#machines.values()];
    return machines.length > 0 && machines.every((of) => roomOf(of) === 0) && !this.#someLeave;
  }

  get #someLeave(): boolean {
    return [...this.#machines.values()].some(({ leased }) =>
      [...leased.values()].some(({ isLeaving }) => isLeaving)
    );
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
      void broker.gone.then((error) => this.#leave(broker, error.message));
      broker.onReconnect(() => this.#onReconnect());
      broker.listen(Subject.machine("*"), (beat) => isMachineBeat(beat) && this.#onBeat(beat));
      broker.listen(Subject.job(this.id), () => this.#echo.hear());
      await broker.createQueue(queueOf(this.id), [Subject.to(this.id, "*")], this.id);
      broker.take(Subject.from(this.id, "*"), (handed, subject) => {
        const leased = this.#leased(Number(subject.split(".").at(-1)));
        if (leased === undefined) return handed.ack();
        const unreadable = () => leased.events.lost("said what can't be read");
        void leased.receiver.take(handed.bytes, undefined).catch(unreadable)
          .then(() => handed.ackSoon());
      });
      this.#timer = setInterval(() => this.#beat(), BEAT_MS);
      Deno.unrefTimer(this.#timer);
      broker.tell(Subject.call, null);
    } catch (error) {
      await broker.close();
      throw error;
    }
    this.#connectedMs = performance.now();
    return this.#broker = broker;
  }

  #leased(lane: number): Leased | undefined {
    for (const { leased } of this.#machines.values()) {
      const found = leased.get(lane);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #onBeat(beat: MachineBeat): void {
    const known = this.#machines.get(beat.id);
    if (beat.leaves) return this.#lose(beat.id, `left with its machine ${beat.name}`);
    const heardMs = performance.now();
    if (known !== undefined) {
      known.heardMs = heardMs;
      const there = beat.leased[this.id] ?? [];
      for (const [lane, leased] of known.leased) {
        leased.missed = there.includes(lane) ? 0 : leased.missed + 1;
        if (leased.missed < MOST_MISSED) continue;
        this.#forget(known.leased, lane);
        leased.events.lost(`was lost: its machine ${beat.name} has ended it`);
      }
    } else {
      const leased = new Map<number, Leased>();
      const clock = { clock: undefined, clockOffsetMs: undefined };
      this.#machines.set(beat.id, { ...beat, heardMs, leased, ...clock });
    }
    this.#hadMachine = true;
    this.#joined.resolve();
  }

  #onReconnect(): void {
    this.#hearAll();
    this.#broker?.tell(Subject.call, null);
  }

  /** Nobody could be heard of meanwhile. */
  #hearAll(): void {
    for (const machine of this.#machines.values()) machine.heardMs = performance.now();
  }

  #beat(): void {
    const broker = this.#broker;
    if (broker === undefined) return;
    const nowMs = performance.now();
    if (broker.isConnected) this.#connectedMs = nowMs;
    else if (nowMs - this.#connectedMs < REJOIN_MS) return;
    else return this.#leave(broker, `${broker.where} has not answered for ${REJOIN_MS} ms`);
    const lanes = [...this.#machines.values()].flatMap(({ leased }) => [...leased.keys()]);
    broker.tell(Subject.job(this.id), { job: this.id, lanes } satisfies JobBeat);
    const { silenceMs } = this.host;
    if (!this.#echo.isHeard) return this.#hearAll();
    for (const { id, name, heardMs } of this.#machines.values()) {
      if (performance.now() - heardMs < silenceMs) continue;
      this.#lose(id, `was lost: its machine ${name} has not been heard of for ${silenceMs} ms`);
    }
  }

  /** The server is lost for good, as far as this connection to it goes; the next lane makes another. */
  #leave(broker: Broker, why: string): void {
    if (this.#broker !== broker) return;
    clearInterval(this.#timer);
    this.#broker = undefined;
    this.#opening = undefined;
    this.#whyLeft = why;
    this.#joined.resolve();
    this.#joined = Promise.withResolvers();
    for (const id of this.#machines.keys()) this.#lose(id, `was lost: ${why}`);
    this.#leaving = broker.close();
  }

  #lose(id: string, how: string): void {
    const machine = this.#machines.get(id);
    this.#machines.delete(id);
    if (this.#machines.size === 0) this.#joined = Promise.withResolvers();
    for (const [lane, { events }] of machine?.leased ?? []) {
      // What it still says is not heard.
      this.#forget(machine!.leased, lane);
      events.lost(how);
    }
  }

  #forget(leased: Map<number, Leased>, lane: number): void {
    const found = leased.get(lane);
    if (found === undefined) return;
    leased.delete(lane);
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
    found.sender.close();
    found.receiver.close();
    // It goes with the queue at the latest.
    this.#broker?.removeConsumer(queueOf(this.id), `to-${lane}`).catch(() => {});
  }

  /** Waits a while for the first machine. */
  async #someMachine(broker: Broker): Promise<void> {
    if (this.#machines.size > 0) return;
    await within(this.#hadMachine ? REJOIN_MS : JOIN_MS, this.#joined.promise, () => {});
    if (this.#isClosed || this.#broker !== broker) throw new LaneStartError(this.#whyLeft);
    if (this.#machines.size > 0) return;
    throw new LaneStartError(
      `no machine has joined at ${broker.where}; ` +
        `start one with deno task lane --servers ${broker.where}`,
    );
  }

  #someFreed(): Promise<void> {
    return within(BEAT_MS, this.#freed.promise, () => {});
  }

  /**
   * Leases a lane of some machine: of one that runs the first of the modules, if there is any.
   *
   * @throws {LaneStartError} If there is none free.
   */
  async lease({ slots, modules: names }: Wanted, events: LeaseEvents): Promise<Lease> {
    const broker = await this.#open();
    const modules = await Promise.all([...new Set(names)].map(async (module) => ({
      module,
      digest: await moduleDigest(module).catch((error) => `none: ${wordsOf(error)}`),
    })));
    const refusing = new Set<string>();
    const mute = new Set<string>();
    let tries = 0;
    while (true) {
      await this.#someMachine(broker);
      const machines = [...this.#machines.values()].filter(({ id }) => !mute.has(id))
        .sort((a, b) => roomOf(b) - roomOf(a));
      const willing = machines.filter(({ id }) => !refusing.has(id));
      const usable = willing.length > 0 ? willing : machines;
      const [best] = usable;
      if (best === undefined) throw new LaneStartError(`no machine at ${broker.where} answers`);
      if (roomOf(best) === 0 && this.#someLeave) {
        await this.#someFreed();
        continue;
      }
      if (roomOf(best) === 0) {
        const lanes = lanesOf(usable);
        throw new LaneStartError(
          `all lanes at ${broker.where} that may run it, of which there ` +
            `${lanes === 1 ? "is" : "are"} ${lanes}, are in use by this program`,
        );
      }
      if (best.clockOffsetMs === undefined) {
        best.clock ??= clockOffset(broker, best.id).then((ms) => void (best.clockOffsetMs = ms));
        await best.clock;
        // Meanwhile others may have taken what room it had.
        continue;
      }
      const answer = await this.#ask(broker, best, {
        slots,
        modules,
        insists: willing.length === 0,
      }, events);
      if (answer !== undefined && !("refused" in answer)) return answer;
      if (answer === undefined) mute.add(best.id);
      else if (answer.forModule) refusing.add(best.id);
      else if (tries++ < MOST_TRIES) await this.#someFreed();
      else throw new LaneStartError(`${best.name}: ${answer.refused}`);
    }
  }

  /** Asks a machine for a lane; undefined if it doesn't answer. */
  async #ask(
    broker: Broker,
    { id, name, slots, threads, leased, clockOffsetMs }: Machine,
    wanted: Omit<LeaseRequest, "job" | "lane">,
    events: LeaseEvents,
  ): Promise<Lease | NonNullable<LeaseAnswer> | undefined> {
    const lane = ++this.#lastLane;
    const post = { broker, queue: queueOf(this.id), kept: this.#kept };
    const subject = Subject.to(this.id, lane);
    const sender = new Sender(
      post,
      (number, bytes) => broker.store(subject, `${subject}.${number}`, bytes),
      ({ message }) => events.lost(`was lost: ${message}`),
    );
    const receiver = new Receiver<undefined>(post, (frame) => events.receive(frame));
    const own: Leased = { events, sender, receiver, isLeaving: false, missed: -Infinity };
    leased.set(lane, own);
    const request: LeaseRequest = { job: this.id, lane, ...wanted };
    let answer: LeaseAnswer;
    try {
      answer = await broker.ask(Subject.lease(id), request, ANSWER_MS) as LeaseAnswer;
    } catch {
      this.#forget(leased, lane);
      return undefined;
    }
    if (answer !== null) {
      this.#forget(leased, lane);
      return answer;
    }
    own.missed = 0;
    return {
      machine: name,
      slots: Math.min(slots, wanted.slots),
      stopsByForce: !threads,
      clockOffsetMs: clockOffsetMs!,
      send: (...message) => sender.send(...message),
      leave: () => void (own.isLeaving = true),
      end: () => this.#forget(leased, lane),
    };
  }

  /** Keeps an item that ended more than one lane where its operators find it. */
  bury(
    { task, index, item, reason }: {
      readonly task: Task;
      readonly index: number;
      readonly item: unknown;
      readonly reason: Error;
    },
  ): void {
    const letter: DeadLetter = {
      job: this.id,
      task: fit(`${task.export} of ${task.module}`),
      index,
      item: fit(Deno.inspect(item)),
      reason: fit(reason.message),
    };
    const buried = this.#broker?.bury(letter).catch(() => {}); // the caller is told of it anyway
    if (buried === undefined) return;
    this.#burials.add(buried);
    void buried.finally(() => this.#burials.delete(buried));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#joined.resolve();
    const broker = await this.#opening?.catch(() => undefined);
    clearInterval(this.#timer);
    await this.#leaving;
    if (broker === undefined) return;
    for (const { leased } of this.#machines.values()) {
      for (const lane of leased.keys()) this.#forget(leased, lane);
    }
    broker.tell(Subject.job(this.id), { job: this.id, lanes: [] } satisfies JobBeat);
    if (broker.isConnected) await Promise.all(this.#burials);
    if (broker.isConnected) await broker.removeQueue(queueOf(this.id)).catch(() => {});
    await broker.close();
  }
}

/** As much of a text as a person reads. */
const fit = (text: string) => text.slice(0, MOST_TEXT);

/** Of several answers of a clock, the quickest one tells it best. */
async function clockOffset(broker: Broker, machine: string): Promise<number> {
  let [offsetMs, bestMs] = [0, Infinity];
  for (let asked = 0; asked < CLOCK_ASKS; asked++) {
    const askedMs = performance.now();
    const shown = await broker.ask(Subject.clock(machine), null, ANSWER_MS).catch(() => undefined);
    const tookMs = performance.now() - askedMs;
    if (shown === undefined || tookMs >= bestMs) continue;
    bestMs = tookMs;
    offsetMs = performance.timeOrigin + askedMs + tookMs / 2 - (shown as number);
  }
  return offsetMs;
}

function lanesOf(machines: readonly Machine[]): number {
  return machines.reduce((sum, { lanes }) => sum + lanes, 0);
}

function roomOf({ lanes, leased }: Machine): number {
  return Math.max(0, lanes - leased.size);
}
