/** A machine that has joined: it sends heartbeats, leases lanes to jobs, and ends those of lost jobs. */

import { wordsOf } from "../attempt.ts";
import { ofOneProject } from "../project.ts";
import type { LanePermissions } from "../permissions.ts";
import {
  ACK_WAIT_MS,
  BEAT_MS,
  type Broker,
  Heard,
  isLeaseRequest,
  type JobBeat,
  type LeaseAnswer,
  type LeaseRequest,
  type MachineBeat,
  Subject,
} from "./broker.ts";
import { moduleDigest, notRunnable } from "./module_digest.ts";
import { type AllowedModules, findAllowed, type FoundModule } from "./allowed_modules.ts";
import type { Post } from "./post.ts";
import { Relay } from "./relay.ts";
import { Turns } from "./turns.ts";

export interface MachineOptions extends Pick<MachineBeat, "name" | "lanes" | "slots" | "threads"> {
  readonly allowed: AllowedModules;
  readonly permissions: LanePermissions;
  /** A job that isn't heard from for this many milliseconds is gone. */
  readonly silenceMs: number;
  readonly onRefused: (why: string) => void;
}

export interface MachineState {
  readonly isConnected: boolean;
  readonly jobs: number;
  readonly busy: number;
  readonly items: number;
}

/** How many jobs may have lanes here at a time: each has lanes of its own, whose processes wait their turn. */
const MOST_JOBS = 16;
/** How often a leaving machine checks whether jobs still have lanes here, in milliseconds. */
const LEAVING_MS = 50;

interface Job {
  readonly kept: Post["kept"];
  /** Relays by lane number; undefined while they start. */
  readonly relays: Map<number, Relay | undefined>;
  heardMs: number;
}

export class JoinedMachine implements AsyncDisposable {
  readonly id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  readonly #jobs = new Heard<Job>();
  readonly #turns: Turns<Relay>;
  readonly #timers: ReturnType<typeof setInterval>[];
  #isLeaving = false;
  #items = 0;

  constructor(private readonly broker: Broker, private readonly options: MachineOptions) {
    this.#turns = new Turns(options.lanes);
    broker.onReconnect(() => {
      this.#jobs.hearAll();
      this.#tell();
    });
    broker.listen(Subject.machine(this.id), () => this.#jobs.echo());
    broker.listen(Subject.call, () => this.#tell());
    broker.listen(Subject.job("*"), (beat) => this.#onJobBeat(beat as JobBeat));
    broker.listen(Subject.clock(this.id), () => performance.timeOrigin + performance.now());
    broker.listen(Subject.lease(this.id), (request) => {
      return isLeaseRequest(request) ? this.#lease(request) : undefined;
    });
    this.#timers = [
      setInterval(() => this.#beat(), BEAT_MS),
      setInterval(() => this.#relays.forEach((relay) => relay.beat()), ACK_WAIT_MS / 3),
    ];
    this.#tell();
  }

  get state(): MachineState {
    return {
      isConnected: this.broker.isConnected,
      jobs: this.#jobs.size,
      busy: this.#turns.active,
      items: this.#items,
    };
  }

  get #relays(): Relay[] {
    return [...this.#jobs.values()].flatMap(({ relays }) =>
      [...relays.values()].filter((relay) => relay !== undefined)
    );
  }

  /** How many lanes the machine offers to each job. */
  get #lanes(): number {
    return this.#isLeaving ? 0 : this.options.lanes;
  }

  #tell(leaves = false): void {
    const { name, slots, threads } = this.options;
    const leased = Object.fromEntries(
      [...this.#jobs].map(([id, { relays }]) => [id, [...relays.keys()]]),
    );
    const about = { id: this.id, name, lanes: this.#lanes, slots, threads };
    const beat: MachineBeat = { ...about, leased, ...(leaves && { leaves }) };
    this.broker.tell(Subject.machine(this.id), beat);
  }

  #beat(): void {
    if (!this.broker.isConnected) return;
    this.#tell();
    for (const relay of this.#relays) relay.tellHeldUp();
    for (const [id, { relays }] of this.#jobs.silent(this.options.silenceMs)) {
      this.#jobs.delete(id);
      for (const relay of relays.values()) void relay?.end();
    }
  }

  /** A job's heartbeat lists the lanes that it uses: the others were given up, and are ended. */
  #onJobBeat({ job: id, lanes }: JobBeat): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    job.heardMs = performance.now();
    for (const [lane, relay] of job.relays) if (!lanes.includes(lane)) void relay?.end();
  }

  async #lease(request: LeaseRequest): Promise<LeaseAnswer> {
    const { job: id, lane } = request;
    const lanes = this.#lanes;
    const refuse = (refused: string) => ({ refused, forModule: false });
    if (!this.#jobs.has(id) && this.#jobs.size >= MOST_JOBS) {
      return refuse(`${MOST_JOBS} other jobs have lanes there, and no more may`);
    }
    const job = this.#jobs.get(id) ?? {
      kept: new Map(),
      relays: new Map(),
      heardMs: performance.now(),
    };
    if (job.relays.has(lane)) return refuse(`its lane ${lane} is in use`);
    const inUse = [...job.relays.values()].filter((relay) => relay?.hasEnded !== true);
    if (inUse.length >= lanes) return refuse(`all its ${lanes} lanes are in use`);
    this.#jobs.set(id, job);
    job.relays.set(lane, undefined);
    const end = () => {
      job.relays.delete(lane);
      if (job.relays.size === 0 && this.#jobs.get(id) === job) this.#jobs.delete(id);
    };
    const answer = await this.#start(job, request, end)
      .catch((error) => refuse(wordsOf(error)));
    if (answer !== null) {
      await job.relays.get(lane)?.end();
      end();
    }
    return answer;
  }

  async #start(job: Job, request: LeaseRequest, onEnd: () => void): Promise<LeaseAnswer> {
    const { job: id, lane, slots, modules, insists } = request;
    const { slots: mostSlots, permissions, threads, allowed, onRefused } = this.options;
    const found = new Map<string, FoundModule>();
    for (const { module, digest } of modules) {
      found.set(module, await findAllowed(allowed, module, digest));
    }
    // Nobody would end the lane of a job that was lost meanwhile.
    if (this.#jobs.get(id) !== job) return { refused: "its job is gone", forModule: false };
    const [wanted] = found.values();
    if (wanted !== undefined && "refused" in wanted) {
      onRefused(wanted.refused);
      if (!insists) return { refused: wanted.refused, forModule: true };
    }
    const locals = [...found.values()].flatMap((here) => "local" in here ? [here.local] : []);
    const preloaded = ofOneProject(locals);
    const relay = new Relay({
      broker: this.broker,
      job: id,
      kept: job.kept,
      lane,
      slots: Math.min(slots, mostSlots),
      jobSlots: slots,
      permissions,
      isThread: threads,
      turns: this.#turns,
      modules: preloaded,
      find: async (module) => {
        const known = found.get(module);
        if (known !== undefined && "local" in known && !preloaded.includes(known.local)) {
          return { refused: `${known.local} is of another project than the lane was started for` };
        }
        if (known !== undefined) return known;
        if (!module.startsWith("data:")) return { refused: notRunnable(module) };
        return await findAllowed(allowed, module, await moduleDigest(module));
      },
      onItems: (count) => this.#items += count,
      onEnd,
    });
    job.relays.set(lane, relay);
    await relay.start();
    return null;
  }

  /**
   * Leases no more lanes; resolves once jobs have given back all lanes, which they do when their tasks have
   * ended, or once the server can't be reached.
   */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#tell();
    while (this.#jobs.size > 0 && this.broker.isConnected) {
      await new Promise((resolve) => setTimeout(resolve, LEAVING_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#relays.map((relay) => relay.end()));
    this.#tell(true);
    await this.broker.close();
  }
}
