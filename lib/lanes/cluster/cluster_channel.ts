/** The channel to a lane on another machine. */

import { wordsOf } from "../attempt.ts";
import type { Death } from "../lane.ts";
import { unloadable } from "../lane_tasks.ts";
import {
  BATCH_COUNT,
  type Channel,
  type ChannelEvents,
  FromLane,
  type TaskToLoad,
  ToLane,
} from "../remote/channel.ts";
import { sealEnvelope } from "../remote/envelope.ts";
import type { Frame } from "../subprocess/frame.ts";
import type { Cloning } from "../remote/clone.ts";
import { frameCloning } from "../subprocess/subprocess_channel.ts";
import { clock, type Timer } from "../timers.ts";
import type { BrokerError } from "./broker.ts";
import { type Cluster, type Lease, UNREADABLE, type WantedLane } from "./cluster.ts";
import { type Message, payloadOf, unstored } from "./post.ts";

/** How long a machine may take to confirm the end of a lane, in milliseconds, before the lane is given up. */
const END_MS = 3000;

/** How many numbers the head of each message must begin with; others on the server may send anything. */
const NUMBERS: Readonly<Record<number, number>> = {
  [FromLane.ready]: 1,
  [FromLane.loaded]: 1,
  [FromLane.unloadable]: 1,
  [FromLane.report]: 3,
  [FromLane.started]: 3,
  [FromLane.asked]: 1,
  [FromLane.usage]: 0,
  [FromLane.loading]: 2,
  [FromLane.ending]: 0,
  [FromLane.disposed]: 0,
  [FromLane.ended]: 0,
  [FromLane.heldUp]: 1,
};

function check({ kind, head }: Frame, payload: unknown): void {
  const first = Array.from(head.subarray(0, NUMBERS[kind]));
  const isWhole = first.length === NUMBERS[kind] && first.every(Number.isFinite);
  if (isWhole && (kind !== FromLane.ended || typeof payload === "string")) return;
  throw new TypeError("It is no message of a lane");
}

export class ClusterChannel implements Channel {
  readonly cloning: Cloning = frameCloning;
  readonly cells: undefined;
  readonly isLeased = true;
  #lease: Lease | undefined;
  /** Frames that arrived before their lease was known here. */
  readonly #early: (readonly [Frame, Lease])[] = [];
  /** URLs of the modules that the lane was told to load, by task number. */
  readonly #loads = new Map<number, string>();
  readonly #ended = Promise.withResolvers<void>();
  #isReady = false;
  #isClosed = false;
  #isOver = false;
  #endTimer: Timer | undefined;

  constructor(
    private readonly events: ChannelEvents,
    private readonly cluster: Cluster,
    wanted: WantedLane,
  ) {
    void this.#open(wanted);
  }

  get stopsByForce(): boolean {
    return this.#lease?.machine.threads !== true;
  }

  get slots(): number | undefined {
    return this.#lease?.slots;
  }

  get machine(): string | undefined {
    return this.#lease?.machine.name;
  }

  async #open(wanted: WantedLane): Promise<void> {
    try {
      this.#lease = await this.cluster.lease(wanted, {
        receive: (frame, lease) => this.#receive(frame, lease),
        leaving: () => this.events.message(FromLane.leaving, [], undefined),
        lost: (how, suspicion) => this.#end(how, { suspicion }),
      });
    } catch (error) {
      return this.#end(`could not be had: ${wordsOf(error)}`, { suspicion: "none", error });
    }
    // The channel was ended while the lane was being leased.
    if (this.#isOver) return this.cluster.end(this.#lease);
    try {
      for (const said of this.#early) if (said[1] === this.#lease) this.#receive(...said);
    } catch {
      this.#end(UNREADABLE, { suspicion: "slight" });
    }
  }

  #receive(frame: Frame, lease: Lease): void {
    if (this.#lease === undefined) return void this.#early.push([frame, lease]);
    const { kind } = frame;
    let { head } = frame;
    const payload = payloadOf(frame);
    check(frame, payload);
    if (kind === FromLane.ended) return this.#end(payload as string);
    if (this.#isClosed && kind !== FromLane.disposed) return;
    // Adds the clock offset, so that the machine's clock appears to be the caller's.
    if (kind === FromLane.ready) {
      this.#isReady = true;
      lease.machine.failures = 0;
      head = head.map((ms) => ms + lease.clockOffsetMs);
    }
    this.events.message(kind, head, payload);
  }

  #end(how: string, more?: Pick<Death, "suspicion" | "error">): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clock.clearTimeout(this.#endTimer);
    if (this.#lease !== undefined) {
      if (!this.#isReady && !this.#isClosed) this.#lease.machine.failures++;
      this.cluster.end(this.#lease);
    }
    this.#ended.resolve();
    if (!this.#isClosed) this.events.ended(how, more);
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown): void {
    if (this.#isOver) return;
    const number = head[0]!;
    if (kind === ToLane.load) {
      const { module } = payload as TaskToLoad;
      this.#loads.set(number, module);
      const why = this.#lease!.unreadable.get(module);
      if (why !== undefined) return clock.queueMicrotask(() => this.#refuseToLoad([number], why));
    }
    const refused = (why: BrokerError): Message => {
      if (kind === ToLane.batch) {
        this.events.message(...unstored(number, head[BATCH_COUNT]!, true, why));
      } else this.#refuseToLoad(kind === ToLane.load ? [number] : this.#loads.keys(), why.message);
      return [ToLane.nothing, []];
    };
    const fails = kind === ToLane.batch || kind === ToLane.load || kind === ToLane.shared;
    void this.#lease!.sender.send(kind, head, payload, fails ? refused : undefined);
  }

  /** Reports these tasks as not loadable, because their modules or the shared value can't be sent. */
  #refuseToLoad(numbers: Iterable<number>, why: string): void {
    for (const number of [...numbers]) {
      const error = unloadable(this.#loads.get(number)!, why);
      this.events.message(FromLane.unloadable, [number], sealEnvelope(error, frameCloning));
    }
  }

  /** All lanes share one connection, which keeps the program alive until the executor is closed. */
  hold(): void {}

  kill(): void {
    this.send(ToLane.kill, []);
    this.#giveUpLater("was given up: its machine did not say that it has ended it");
  }

  #giveUpLater(how: string): void {
    const end = () => this.#end(how, { suspicion: "slight" });
    if (!this.#isOver) this.#endTimer ??= clock.setTimeout(end, END_MS);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#lease === undefined) this.#end("");
      else {
        this.send(ToLane.end, []);
        this.#lease.isLeaving = true;
        this.#giveUpLater("");
      }
    }
    await this.#ended.promise;
  }
}
