/** Decides when items that a server refuses are tried again. It imports no npm package. */

import type { Key } from "../dispatch/batch.ts";
import type { RetryIn } from "../dispatch/map_options.ts";
import type { Outcome } from "../dispatch/output.ts";
import type { HttpSigns } from "../tasks/http_signs.ts";

/**
 * The first pause after a refusal without Retry-After, in milliseconds. It doubles with each further pause
 * that follows without an answer in between, up to {@linkcode LONGEST_WAIT_MS}.
 */
const FIRST_WAIT_MS = 1000;
export const LONGEST_WAIT_MS = 60_000;
/** The longest wait that a server itself may ask for, in milliseconds. */
export const MOST_WAIT_MS = 300_000;
/** Each wait is longer by a random share up to this, so that items refused together don't return together. */
const JITTER = 0.25;
/**
 * How long after the end of its key's pause a refused item is tried again, in milliseconds. If only this
 * item is refused, other items are answered before it can pause them again.
 */
const LAST_MS = 1000;
/** An item that has been refused this many times fails. */
export const MOST_REFUSALS = 8;
/** An item fails if its refusals are less probable than this, given how other items of its key fared. */
const LEAST_CHANCE = 1e-3;
/** If less than this share of a key's other items is refused, an item refused again doesn't pause the key. */
const ALONE_BELOW = 0.25;

interface Refusal extends HttpSigns {
  readonly index: number;
  /** The key that was refused; undefined stands for the whole run. */
  readonly key: Key | undefined;
  readonly host: string | undefined;
}

/** A pause of a key: none of its items is started until it ends. */
export interface Pause extends Pick<Refusal, "status" | "host"> {
  readonly ms: number;
  /** Whether the server asked for the pause, which is less than twice as long as it asked for. */
  readonly asked: boolean;
}

/** How the items of a key fare, from its first refusal on. */
class Server {
  /** How many items succeeded, and how many refusals there were, since the first refusal. */
  answered = 0;
  refused = 0;
  /** How many of the key's items were refused and haven't settled. */
  items = 0;
  /** How many pauses followed each other without an answer in between. */
  pauses = 0;
  pausedAtMs = 0;
  untilMs = -Infinity;
  last: Omit<Pause, "ms"> = { status: undefined, host: undefined, asked: false };
}

/** A refused item, and the counts of its key when the item was first refused. */
interface RefusedItem {
  readonly server: Server;
  readonly answeredBefore: number;
  readonly refusedBefore: number;
  refusals: number;
  /** The probability of this many refusals if the item is refused as often as the others. */
  chance: number;
}

export class RefusedItems {
  readonly #servers = new Map<Key | undefined, Server>();
  readonly #items = new Map<number, RefusedItem>();

  /** @param isPaced Whether refusals set a pace for each key; then only a Retry-After pauses a key. */
  constructor(private readonly isPaced = false, private readonly random = Math.random) {}

  of(index: number): number {
    return this.#items.get(index)?.refusals ?? 0;
  }

  /** Records that an item was refused; returns when to try it again, or undefined if it fails. */
  add({ index, key, host, status, retryAfterMs }: Refusal, nowMs: number): RetryIn | undefined {
    const server = this.#servers.getOrInsertComputed(key, () => new Server());
    const item = this.#itemOf(index, server);
    const answered = server.answered - item.answeredBefore;
    const refused = server.refused - item.refusedBefore - item.refusals;
    // Laplace's rule of succession: with nothing seen, half of the items are assumed to be refused.
    const share = (refused + 1) / (answered + refused + 2);
    const isFirst = item.refusals === 0;
    if (!isFirst) item.chance *= share;
    item.refusals++;
    server.refused++;
    if (item.refusals >= MOST_REFUSALS || item.chance < LEAST_CHANCE) return undefined;
    const isAsked = retryAfterMs !== undefined || !this.isPaced;
    const pause = isAsked && (isFirst || share >= ALONE_BELOW);
    if (pause && nowMs >= server.untilMs) {
      // Only an item's first refusal counts: a repeated one says nothing about the other items.
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

  /** How long to wait after this many refusals in a row, in milliseconds; at least `askedMs`. */
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

  /** The pauses at this time, the longest first. Keys without a pause or refused items are forgotten. */
  pauses(nowMs: number): Pause[] {
    const pauses: Pause[] = [];
    for (const [key, { items, untilMs, last }] of this.#servers) {
      if (untilMs > nowMs) pauses.push({ ...last, ms: untilMs - nowMs });
      else if (items === 0) this.#servers.delete(key);
    }
    return pauses.sort((a, b) => b.ms - a.ms);
  }
}
