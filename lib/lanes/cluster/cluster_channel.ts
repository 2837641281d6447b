/** The channel to a lane on another machine. */

import { wordsOf } from "../attempt.ts";
import { TaskLoadError } from "../errors.ts";
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
import { way } from "../subprocess/subprocess_channel.ts";
import type { BrokerError } from "./broker.ts";
import type { Cluster, Lease, Wanted } from "./cluster.ts";
import { type Message, payloadOf, unstored } from "./post.ts";

/** A machine that was told to end a lane is given up if it hasn't said within so many milliseconds that it has. */
const END_MS = 3000;

export class ClusterChannel implements Channel {
  readonly way = way;
  readonly cells = undefined;
  readonly holdsBack = true;
  readonly isAwaited = true;
  #lease: Lease | undefined;
  /** What lanes said before their leases were known here. */
  readonly #early: (readonly [Frame, Lease])[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #isClosed = false;
  #isOver = false;
  #endTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly events: ChannelEvents,
    private readonly cluster: Cluster,
    wanted: Wanted,
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

  async #open(wanted: Wanted): Promise<void> {
    try {
      this.#lease = await this.cluster.lease(wanted, {
        receive: (frame, lease) => this.#receive(frame, lease),
        lost: (how) => this.#end(how, true),
      });
    } catch (error) {
      return this.#end(`could not be had: ${wordsOf(error)}`, true);
    }
    // Nobody wants it any more.
    if (this.#isOver) return this.cluster.end(this.#lease);
    for (const said of this.#early) if (said[1] === this.#lease) this.#receive(...said);
  }

  #receive(frame: Frame, lease: Lease): void {
    if (this.#lease === undefined) return void this.#early.push([frame, lease]);
    const { kind } = frame;
    let { head } = frame;
    const payload = payloadOf(frame);
    if (kind === FromLane.ended) return this.#end(payload as string, false);
    if (this.#isClosed && kind !== FromLane.disposed) return;
    // As if both clocks were one.
    if (kind === FromLane.ready) head = head.map((ms) => ms + lease.clockOffsetMs);
    this.events.message(kind, head, payload);
  }

  /** @param isElsewhere Whether it is known to have been no task's doing. */
  #end(how: string, isElsewhere: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#endTimer);
    if (this.#lease !== undefined) this.cluster.end(this.#lease);
    this.#ended.resolve();
    if (!this.#isClosed) this.events.ended(how, isElsewhere);
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown): void {
    if (this.#isOver) return;
    const isLoad = kind === ToLane.load;
    const number = head[0]!;
    if (isLoad) {
      const { module } = payload as TaskToLoad;
      const why = this.#lease!.unreadable.get(module);
      if (why !== undefined) return queueMicrotask(() => this.#refuseToLoad(number, module, why));
    }
    const refused = (why: BrokerError): Message => {
      if (isLoad) this.#refuseToLoad(number, (payload as TaskToLoad).module, why.message);
      else this.events.message(...unstored(number, head[BATCH_COUNT]!, true, why));
      return [ToLane.nothing, []];
    };
    const isAnswered = isLoad || kind === ToLane.batch;
    void this.#lease!.sender.send(kind, head, payload, isAnswered ? refused : undefined);
  }

  #refuseToLoad(number: number, module: string, why: string): void {
    const error = new TaskLoadError(`Cannot load task module ${module}: ${why}`);
    this.events.message(FromLane.unloadable, [number], sealEnvelope(error, way));
  }

  /** The connection that all lanes share keeps the program alive until the executor is closed. */
  hold(): void {}

  kill(): void {
    this.send(ToLane.kill, []);
    this.#giveUpLater("was given up: its machine did not say that it has ended it");
  }

  #giveUpLater(how: string): void {
    if (!this.#isOver) this.#endTimer ??= setTimeout(() => this.#end(how, true), END_MS);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#lease === undefined) this.#end("", true);
      else {
        this.send(ToLane.end, []);
        this.#lease.isLeaving = true;
        this.#giveUpLater("");
      }
    }
    await this.#ended.promise;
  }
}
