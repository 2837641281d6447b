/** The channel to a lane on another machine. */

import { wordsOf } from "../attempt.ts";
import {
  BATCH_COUNT,
  type Channel,
  type ChannelEvents,
  FromLane,
  ToLane,
} from "../remote/channel.ts";
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
  #lease: Lease | undefined;
  /** What the lane said before its lease was known here. */
  #early: Frame[] | undefined = [];
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
    return this.#lease?.stopsByForce ?? true;
  }

  get slots(): number | undefined {
    return this.#lease?.slots;
  }

  get machine(): string | undefined {
    return this.#lease?.machine;
  }

  async #open(wanted: Wanted): Promise<void> {
    try {
      this.#lease = await this.cluster.lease(wanted, {
        receive: (frame) => this.#receive(frame),
        lost: (how) => this.#end(how, true),
      });
    } catch (error) {
      return this.#end(`could not be had: ${wordsOf(error)}`, true);
    }
    // Nobody wants it any more.
    if (this.#isOver) return this.#lease.end();
    const early = this.#early!;
    this.#early = undefined;
    for (const frame of early) this.#receive(frame);
  }

  #receive(frame: Frame): void {
    if (this.#early !== undefined) return void this.#early.push(frame);
    const { kind } = frame;
    let { head } = frame;
    const payload = payloadOf(frame);
    if (kind === FromLane.ended) return this.#end(payload as string, false);
    if (this.#isClosed && kind !== FromLane.disposed) return;
    // As if both clocks were one.
    if (kind === FromLane.ready) head = head.map((ms) => ms + this.#lease!.clockOffsetMs);
    this.events.message(kind, head, payload);
  }

  /** @param isElsewhere Whether it is known to have been no task's doing. */
  #end(how: string, isElsewhere: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#endTimer);
    this.#lease?.end();
    this.#ended.resolve();
    if (!this.#isClosed) this.events.ended(how, isElsewhere);
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown): void {
    if (this.#isOver) return;
    const refused = (why: BrokerError): Message => {
      this.events.message(...unstored(head[0]!, head[BATCH_COUNT]!, true, why));
      return [ToLane.nothing, []];
    };
    void this.#lease!.send(kind, head, payload, kind === ToLane.batch ? refused : undefined);
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
        this.#lease.leave();
        this.#giveUpLater("");
      }
    }
    await this.#ended.promise;
  }
}
