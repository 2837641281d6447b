/**
 * A lane's channel in memory, without threads, processes or time. At its other end is either a test, which
 * sends the lane's messages, or a {@linkcode LaneServer}.
 */

import type { Death, LaneBatch, LaneEvents, Report } from "../../../lib/lanes/lane.ts";
import { Cells } from "../../../lib/lanes/remote/cells.ts";
import {
  type Channel,
  type ChannelEvents,
  FromLane,
  reportHead,
  ToLane,
} from "../../../lib/lanes/remote/channel.ts";
import { type BatchRunner, LaneServer } from "../../../lib/lanes/remote/lane_server.ts";
import { RemoteLane } from "../../../lib/lanes/remote/remote_lane.ts";
import { type Cloning, structuredCloning } from "../../../lib/lanes/remote/clone.ts";
import { DOUBLE } from "../batch.ts";

/** A message as it arrives. */
export interface Message {
  readonly kind: number;
  readonly head: readonly number[];
  readonly payload: unknown;
}

/** A payload as it arrives; throws if it can't be sent. */
export function carried(cloning: Cloning, payload: unknown, moves: ArrayBuffer[] = []): unknown {
  return cloning.sharesMemory
    ? structuredClone(payload, { transfer: moves })
    : cloning.clone(payload);
}

/** A row of numbers as it arrives: a pipe carries doubles. */
function carriedHead(cloning: Cloning, head: ArrayLike<number>): ArrayLike<number> {
  return cloning.sharesMemory ? structuredClone(head) : Float64Array.from(head);
}

/** The settings of the channel's kind of lane. */
export interface ChannelSettings {
  readonly cloning?: Cloning;
  readonly cells?: Cells;
  readonly stopsByForce?: boolean;
  readonly isLeased?: boolean;
}

/** The caller's end of the channel. */
export class FakeChannel implements Channel {
  readonly cloning: Cloning;
  readonly cells: Cells | undefined;
  readonly stopsByForce: boolean;
  readonly isLeased: boolean;
  /** The messages that were sent, as they arrived. */
  readonly sent: Message[] = [];
  /** The other calls that the channel received. */
  readonly done: string[] = [];
  /** Receives the messages sent, if defined. */
  onSent: ((message: Message) => void) | undefined;
  readonly #events: ChannelEvents;

  constructor(events: ChannelEvents, settings: ChannelSettings) {
    this.#events = events;
    this.cloning = settings.cloning ?? structuredCloning;
    this.cells = settings.cells;
    this.stopsByForce = settings.stopsByForce ?? false;
    this.isLeased = settings.isLeased ?? false;
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves?: ArrayBuffer[]): void {
    const message = {
      kind,
      head: Array.from(head),
      payload: carried(this.cloning, payload, moves),
    };
    this.sent.push(message);
    this.onSent?.(message);
  }

  hold(keepsAlive: boolean): void {
    this.done.push(`hold ${keepsAlive}`);
  }

  kill(): void {
    this.done.push("kill");
  }

  close(): Promise<void> {
    this.done.push("close");
    return Promise.resolve();
  }

  /** Delivers a message from the lane. */
  says(kind: number, head: ArrayLike<number> = [], payload?: unknown): void {
    this.#events.message(kind, carriedHead(this.cloning, head), carried(this.cloning, payload));
  }

  /** Delivers the lane's ready message, with a clock that began `laterMs` milliseconds after the caller's. */
  saysReady(laterMs = 0): void {
    this.says(FromLane.ready, [performance.timeOrigin + laterMs]);
  }

  /** Reports that the lane has ended by itself. */
  ends(how: string): void {
    this.#events.ended(how);
  }

  /** The kinds of the messages that were sent. */
  get kinds(): number[] {
    return this.sent.map(({ kind }) => kind);
  }
}

/** The events of a lane. */
export class Told implements LaneEvents {
  readonly reports: { readonly batch: LaneBatch; readonly report: Report }[] = [];
  readonly unloadables: { readonly batch: LaneBatch; readonly error: Error }[] = [];
  readonly deaths: Death[] = [];
  /** How often the lane reported that it is leaving and takes nothing more. */
  leavings = 0;
  readonly #last = new Map<LaneBatch, PromiseWithResolvers<void>>();

  report(batch: LaneBatch, report: Report): void {
    this.reports.push({ batch, report });
    if (report.last) this.#lastOf(batch).resolve();
  }

  unloadable(batch: LaneBatch, error: Error): void {
    this.unloadables.push({ batch, error });
  }

  heldUp(): void {}

  leaving(): void {
    this.leavings++;
  }

  died(death: Death): void {
    this.deaths.push(death);
  }

  #lastOf(batch: LaneBatch): PromiseWithResolvers<void> {
    const last = this.#last.get(batch) ?? Promise.withResolvers<void>();
    this.#last.set(batch, last);
    return last;
  }

  /** Resolves with a batch's last report. */
  last(batch: LaneBatch): Promise<void> {
    return this.#lastOf(batch).promise;
  }

  /** The values of a batch after its last report; undefined where an item has none. */
  async values(batch: LaneBatch): Promise<unknown[]> {
    await this.last(batch);
    return this.reports.filter((told) => told.batch === batch).flatMap(({ report }) =>
      Array.from({ length: report.count }, (_, at) => report.values?.[at])
    );
  }

  /** The endings and reasons of the items without a value, after the batch's last report. */
  async fates(batch: LaneBatch): Promise<string[]> {
    await this.last(batch);
    return this.reports.filter((told) => told.batch === batch).flatMap(({ report }) =>
      (report.failures ?? []).map(({ ended, reason }) => `${ended}: ${(reason as Error).message}`)
    );
  }
}

/** A lane over a channel whose other end is a test. */
export function laneOver(settings: ChannelSettings = {}) {
  const told = new Told();
  let channel!: FakeChannel;
  const lane = new RemoteLane(told, (events) => channel = new FakeChannel(events, settings));
  return { lane, channel, told };
}

/** The same, ready and with a task loaded; the messages for that are removed from `sent`. */
export function readyLane(settings: ChannelSettings = {}) {
  const over = laneOver(settings);
  void over.lane.load(DOUBLE);
  over.channel.saysReady();
  over.channel.says(FromLane.loading, [1, 0]);
  over.channel.says(FromLane.loaded, [1]);
  over.channel.sent.length = 0;
  return over;
}

/** The head of a report, by default of a whole batch of one item. */
export function reportHeadOf(id: number, report: Partial<Report> = {}): ArrayLike<number> {
  const plain = {
    count: 1,
    values: undefined,
    failures: undefined,
    startedAtMs: 0,
    endedAtMs: 0,
    times: undefined,
    last: true,
  };
  return reportHead(id, { ...plain, ...report });
}

/** A server called by a test. */
export function serverOver(
  { cloning = structuredCloning, cells, slots = 1, runner }: {
    cloning?: Cloning;
    cells?: Cells;
    slots?: number;
    runner?: BatchRunner;
  } = {},
) {
  const said: Message[] = [];
  const waiters = new Map<number, (message: Message) => void>();
  const server = new LaneServer({
    cloning,
    slots,
    runner,
    ...(cells !== undefined && { cells }),
    send: (kind, head, payload, moves) => {
      const message = { kind, head: Array.from(head), payload: carried(cloning, payload, moves) };
      said.push(message);
      waiters.get(kind)?.(message);
    },
    usage: () => [1.5, NaN],
  });
  /** Resolves to the next message of a kind. */
  const next = (kind: number) =>
    new Promise<Message>((resolve) => waiters.set(kind, resolve)).finally(() =>
      waiters.delete(kind)
    );
  return { server, said, next };
}

/** A lane and the server at its other end; messages between them arrive later, and in order. */
export function pair(
  { cloning = structuredCloning, slots = 1, shares = false }: {
    cloning?: Cloning;
    slots?: number;
    shares?: boolean;
  } = {},
) {
  const cells = shares ? new Cells(slots) : undefined;
  const { lane, channel, told } = laneOver({ cloning, ...(cells !== undefined && { cells }) });
  const server = new LaneServer({
    cloning,
    slots,
    ...(cells !== undefined && { cells: new Cells(slots, cells.buffer) }),
    send: (kind, head, payload, moves) => {
      const arrived = carried(cloning, payload, moves);
      queueMicrotask(() => channel.says(kind, head, arrived));
    },
    usage: () => [2.5, 1024],
  });
  channel.onSent = ({ kind, head, payload }) =>
    queueMicrotask(() => server.receive(kind, carriedHead(cloning, head), payload));
  return { lane, channel, told, server };
}

/** The id of the last batch sent. */
export function lastId({ channel }: ReturnType<typeof readyLane>): number {
  const last = channel.sent.findLast(({ kind }) => kind === ToLane.batch)!;
  return last.head[0]!;
}
