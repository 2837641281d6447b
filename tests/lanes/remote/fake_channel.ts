/**
 * A lane's channel in memory: no threads, no processes, no time. Either a test says what the lane
 * says, or a {@linkcode LaneServer} at the other end does.
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

/** What a payload is when it arrives; throws if it can't be sent. */
export function carried(cloning: Cloning, payload: unknown, moves: ArrayBuffer[] = []): unknown {
  return cloning.sharesMemory
    ? structuredClone(payload, { transfer: moves })
    : cloning.clone(payload);
}

/** What a row of numbers is when it arrives: a pipe carries doubles. */
function carriedHead(cloning: Cloning, head: ArrayLike<number>): ArrayLike<number> {
  return cloning.sharesMemory ? structuredClone(head) : Float64Array.from(head);
}

/** What kind of lane it is. */
export interface ChannelSettings {
  readonly cloning?: Cloning;
  readonly cells?: Cells;
  readonly stopsByForce?: boolean;
  readonly isLeased?: boolean;
}

/** The caller's end. */
export class FakeChannel implements Channel {
  readonly cloning: Cloning;
  readonly cells: Cells | undefined;
  readonly stopsByForce: boolean;
  readonly isLeased: boolean;
  /** What was sent, as it arrived. */
  readonly sent: Message[] = [];
  /** What was done to the channel besides. */
  readonly done: string[] = [];
  /** Takes what is sent, if there is somebody. */
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

  /** The lane says something. */
  says(kind: number, head: ArrayLike<number> = [], payload?: unknown): void {
    this.#events.message(kind, carriedHead(this.cloning, head), carried(this.cloning, payload));
  }

  /** The lane says that it is ready; its clock began so much later than the caller's. */
  saysReady(laterMs = 0): void {
    this.says(FromLane.ready, [performance.timeOrigin + laterMs]);
  }

  /** The lane has ended by itself. */
  ends(how: string): void {
    this.#events.ended(how);
  }

  /** The kinds of the messages that were sent. */
  get kinds(): number[] {
    return this.sent.map(({ kind }) => kind);
  }
}

/** What a lane told. */
export class Told implements LaneEvents {
  readonly reports: { readonly batch: LaneBatch; readonly report: Report }[] = [];
  readonly unloadables: { readonly batch: LaneBatch; readonly error: Error }[] = [];
  readonly deaths: Death[] = [];
  /** How often it said that it is to get nothing more. */
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

  /** Resolves once a batch is done with. */
  last(batch: LaneBatch): Promise<void> {
    return this.#lastOf(batch).promise;
  }

  /** The values of a batch that is done with; holes where there is none. */
  async values(batch: LaneBatch): Promise<unknown[]> {
    await this.last(batch);
    return this.reports.filter((told) => told.batch === batch).flatMap(({ report }) =>
      Array.from({ length: report.count }, (_, at) => report.values?.[at])
    );
  }

  /** How the items without a value ended, and why, of a batch that is done with. */
  async fates(batch: LaneBatch): Promise<string[]> {
    await this.last(batch);
    return this.reports.filter((told) => told.batch === batch).flatMap(({ report }) =>
      (report.failures ?? []).map(({ ended, reason }) => `${ended}: ${(reason as Error).message}`)
    );
  }
}

/** A lane over a channel of which a test is the other end. */
export function laneOver(settings: ChannelSettings = {}) {
  const told = new Told();
  let channel!: FakeChannel;
  const lane = new RemoteLane(told, (events) => channel = new FakeChannel(events, settings));
  return { lane, channel, told };
}

/** A lane over such a channel that is ready and has loaded a task; what was sent for that is forgotten. */
export function readyLane(settings: ChannelSettings = {}) {
  const over = laneOver(settings);
  void over.lane.load(DOUBLE);
  over.channel.saysReady();
  over.channel.says(FromLane.loading, [1, 0]);
  over.channel.says(FromLane.loaded, [1]);
  over.channel.sent.length = 0;
  return over;
}

/** The head of a report of a whole batch of one item, or what it is besides. */
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

/** A server whose caller is a test. */
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

/** A lane and the server at its other end; what one says reaches the other later, and in order. */
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

/** The last batch's number on its lane. */
export function lastId({ channel }: ReturnType<typeof readyLane>): number {
  const last = channel.sent.findLast(({ kind }) => kind === ToLane.batch)!;
  return last.head[0]!;
}
