/** What is done about items that a server refuses. It imports no npm package. */

import type { Key } from "../dispatch/batch.ts";
import type { RetryIn } from "../dispatch/map_options.ts";
import type { Outcome } from "../dispatch/output.ts";
import type { HttpSigns } from "../tasks/http_signs.ts";

/**
 * A server that doesn't say for how long is left alone for so many milliseconds, then for twice as
 * long each time that it refuses all that it is asked again, up to the longest.
 */
const FIRST_WAIT_MS = 1000;
export const LONGEST_WAIT_MS = 60_000;
/** The longest wait that a server itself may ask for, in milliseconds. */
export const MOST_WAIT_MS = 300_000;
/** A wait is drawn up to this share longer: what was refused together had better not come back together. */
const JITTER = 0.25;
/**
 * What was refused comes back so much after its key does, in milliseconds: if it is alone in being
 * refused, others are answered before it can hold them up again.
 */
const LAST_MS = 1000;
/** An item is refused so often at most. */
export const MOST_REFUSALS = 8;
/** RefusedItems less probable than this, as others of its key fared meanwhile, are the item's own failure. */
const LEAST_CHANCE = 1e-3;
/** Where less than this share of the others is refused, an item that is refused again waits alone. */
const ALONE_BELOW = 0.25;

interface Refusal extends HttpSigns {
  readonly index: number;
  /** What is paused; undefined for the whole run. */
  readonly key: Key | undefined;
  readonly host: string | undefined;
}

/** A key that starts nothing for the moment. */
export interface Pause extends Pick<Refusal, "status" | "host"> {
  readonly ms: number;
  /** Whether the server itself said for how long. */
  readonly asked: boolean;
}

/** How a key fares of which items were refused. */
class Server {
  /** Since it was first refused: how many were answered, and how many refused. */
  answered = 0;
  refused = 0;
  /** How many of its items were refused, and haven't ended. */
  items = 0;
  /** How many pauses followed on each other without an answer in between. */
  pauses = 0;
  pausedAtMs = 0;
  untilMs = -Infinity;
  last: Omit<Pause, "ms"> = { status: undefined, host: undefined, asked: false };
}

/** An item that was refused, and how many others had been answered and refused before. */
interface RefusedItem {
  readonly server: Server;
  readonly answeredBefore: number;
  readonly refusedBefore: number;
  refusals: number;
  /** How probable it is that it was refused so often if it is like the others. */
  chance: number;
}

export class RefusedItems {
  readonly #servers = new Map<Key | undefined, Server>();
  readonly #items = new Map<number, RefusedItem>();

  /** @param isPaced Whether keys are paced by what is refused: then only what a server asks for pauses them. */
  constructor(private readonly isPaced = false, private readonly random = Math.random) {}

  of(index: number): number {
    return this.#items.get(index)?.refusals ?? 0;
  }

  /** An item was refused: when it is tried again; undefined if that is its failure. */
  add({ index, key, host, status, retryAfterMs }: Refusal, nowMs: number): RetryIn | undefined {
    const server = this.#servers.getOrInsertComputed(key, () => new Server());
    const item = this.#itemOf(index, server);
    const answered = server.answered - item.answeredBefore;
    const refused = server.refused - item.refusedBefore - item.refusals;
    // Laplace's rule of succession: of what was seen too little to tell, half is taken to be refused.
    const share = (refused + 1) / (answered + refused + 2);
    const isFirst = item.refusals === 0;
    if (!isFirst) item.chance *= share;
    item.refusals++;
    server.refused++;
    if (item.refusals >= MOST_REFUSALS || item.chance < LEAST_CHANCE) return undefined;
    const isAsked = retryAfterMs !== undefined || !this.isPaced;
    const pause = isAsked && (isFirst || share >= ALONE_BELOW);
    if (pause && nowMs >= server.untilMs) {
      // That an item is refused again says nothing of the others.
      if (isFirst) server.pauses++;
      server.pausedAtMs = nowMs;
    }
    const pauseMs = this.#waitMs(server.pauses, retryAfterMs);
    const ownMs = this.#waitMs(item.refusals, retryAfterMs);
    if (!pause) return { afterMs: ownMs };
    server.untilMs = Math.max(server.untilMs, nowMs + pauseMs);
    server.last = { status, host, asked: retryAfterMs !== undefined && pauseMs < 2 * retryAfterMs };
    return { afterMs: Math.max(ownMs, server.untilMs - nowMs + LAST_MS), pauseMs };
  }

  /** How long is waited after so many refusals in a row, but no less than was asked for. */
  #waitMs(refusals: number, askedMs = 0): number {
    const grownMs = Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, refusals - 1), LONGEST_WAIT_MS);
    return Math.max(askedMs, grownMs) * (1 + JITTER * this.random());
  }

  #itemOf(index: number, server: Server): RefusedItem {
    return this.#items.getOrInsertComputed(index, () => {
      const { answered: answeredBefore, refused: refusedBefore } = server;
      server.items++;
      return { server, answeredBefore, refusedBefore, refusals: 0, chance: 1 };
    });
  }

  ended({ index, status, startedAtMs }: Outcome<unknown>, keyOf: () => Key | undefined): void {
    if (this.#servers.size === 0) return;
    const item = this.#items.get(index);
    if (item !== undefined) {
      item.server.items--;
      this.#items.delete(index);
    }
    const server = status === "fulfilled" ? this.#servers.get(keyOf()) : undefined;
    if (server === undefined) return;
    server.answered++;
    if (startedAtMs > server.pausedAtMs) server.pauses = 0;
  }

  /** What is paused, the longest first. Servers of which nothing more is to come are forgotten. */
  pauses(nowMs: number): Pause[] {
    const pauses: Pause[] = [];
    for (const [key, { items, untilMs, last }] of this.#servers) {
      if (untilMs > nowMs) pauses.push({ ...last, ms: untilMs - nowMs });
      else if (items === 0) this.#servers.delete(key);
    }
    return pauses.sort((a, b) => b.ms - a.ms);
  }
}
