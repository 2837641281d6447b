/**
 * A made-up machine in virtual time, on which a controller runs a made-up job: an event loop, lanes,
 * and a server that answers as its kind does.
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import { BLOCKED_LANES, Controller, type Decision } from "../../lib/adaptive/controller.ts";
import type { Growth } from "../../lib/adaptive/cut_limit.ts";
import { ONE, type Shape } from "../../lib/adaptive/watch.ts";
import type { SlotLaw } from "../../lib/adaptive/rounds.ts";
import { seededRandom } from "../../lib/timing/random.ts";

/** How a server answers requests that take it some time, by how many are in flight. */
export type Server =
  | { readonly kind: "ample" }
  /** Serves `most` at once, each `slowness` times as slowly; others queue. Answers arrive `lateMs` later. */
  | {
    readonly kind: "queue";
    readonly most: number;
    readonly slowness?: (atMs: number) => number;
    readonly lateMs?: (atMs: number) => number;
  }
  /** With more than `most` at once, each takes longer in proportion. */
  | { readonly kind: "knee"; readonly most: number }
  /** With more than `most` at once, it gets less done than before. */
  | { readonly kind: "cliff"; readonly most: (atMs: number) => number }
  /** Refuses more than `perSecond`, beyond a few in reserve, and may ask for a second's pause. */
  | {
    readonly kind: "rate";
    readonly perSecond: number | ((atMs: number) => number);
    readonly reserve: number;
    readonly says?: boolean;
    /** How long a refusal takes. */
    readonly lateMs?: number;
    /** After a refusal it refuses everything for so long. */
    readonly bansMs?: number;
    /** Whether it cuts tasks off, or answers with an error that doesn't say why. */
    readonly resets?: boolean;
    readonly unsaid?: boolean;
  }
  /** Refuses more than `most` in each `perMs` of its clock, and may ask for a pause until the next. */
  | {
    readonly kind: "quota";
    readonly most: number;
    readonly perMs: number;
    readonly says?: boolean;
    readonly unsaid?: boolean;
  }
  /** Refuses more than `most` at once, after the share `after` of an answer's time. */
  | {
    readonly kind: "refuses";
    readonly most: (atMs: number) => number;
    readonly after?: number;
    /** Whether it answers with an error that doesn't say why. */
    readonly unsaid?: boolean;
  }
  /** After more than `most` at once, it refuses everything for `forMs`; from each request on, if `extends`. */
  | {
    readonly kind: "bans";
    readonly most: number;
    readonly forMs: number;
    readonly extends?: boolean;
    readonly unsaid?: boolean;
  }
  /**
   * Refuses this share, whatever the load, and all above `most` at once; with `after`, it loses the share after
   * that many times an answer's time; or answers with an error that doesn't say why, or asks for a pause.
   */
  | {
    readonly kind: "chance";
    readonly share: number;
    readonly after?: number;
    readonly askedMs?: number;
    readonly most?: number;
    readonly unsaid?: boolean;
  };

interface Answer {
  readonly atMs: number;
  readonly isRefused?: boolean;
  /** How long a pause the server asks for. */
  readonly askedMs?: number;
}

/** How long a refusal takes that comes at once, in milliseconds. */
const REFUSES_MS = 1;
/** The longest wait before the first retry, in milliseconds. */
const RETRY_MS = 100;

/** What a task does, in milliseconds. */
export interface SimulatedTask {
  readonly waitMs: number;
  readonly computeMs: number;
  /** Blocks its lane for this long; it computes for `computeMs` of that time and waits for the rest. */
  readonly blockMs?: number;
  /** Computes for this long in a thread of its own. */
  readonly threadMs?: number;
  /** Sending it takes this much CPU time on each side. */
  readonly sendMs?: number;
  /** The memory that it holds while it is in flight. */
  readonly bytes?: number;
}

export interface SimulatedJob {
  readonly name: string;
  readonly items: number;
  /** When an item comes from its source; at once if left out. */
  readonly comesAtMs?: (index: number) => number;
  /** Items come for this long, however many; refused ones fail instead of being tried again. */
  readonly forMs?: number;
  /** Items that the server refuses, or that fail if it doesn't say why, whenever they are asked. */
  readonly isBad?: (index: number) => boolean;
  /** How often an item is tried again, each time after a longer wait; unlimited and at once if left out. */
  readonly retries?: number;
  /** The limit of memory. */
  readonly memoryBytes?: number;
  /** The mean time between two standstills of the machine, each of 50 to 500 ms. */
  readonly stillEveryMs?: number;
  readonly taskAt: (index: number) => SimulatedTask;
  readonly server: Server;
}

export interface Machine {
  readonly cores: number;
  /** How many cores other programs use. */
  readonly taken?: number;
  /** Standard deviation of the logarithm of every time. */
  readonly noise: number;
  readonly seed: number;
}

/** The result of a run. */
export interface Simulated {
  readonly wallMs: number;
  readonly refused: number;
  readonly ended: number;
  /** How many items were tried in vain. */
  readonly failed: number;
  /** When the first task was refused. */
  readonly firstRefusedMs: number;
  readonly peakBytes: number;
  /** All starts less those that were refused; one for each item. */
  readonly starts: number;
  readonly decisions: readonly Decision[];
  readonly shape: Shape;
  /** Mean and standard deviation of the slots on all lanes together, in the second half of the run. */
  readonly slots: { readonly mean: number; readonly deviation: number };
}

/** How long a lane takes to start, and the CPU time of sending a task and its result, on each side. */
const START_MS = 40;
const SEND_MS = 0.1;
/** CPU time of starting any task, in milliseconds. */
const TASK_MS = 0.05;
const MOST_MS = 600_000;
/** A run ends early once it was refused this much more often than tasks have ended. */
const MOST_REFUSED = 5_000;
/** How long a program computes before others get its core, in milliseconds. */
const SLICE_MS = 3;
/** The steps in which a thread's CPU time is reported, in milliseconds. */
const THREAD_STEP_MS = 10;
/** Memory of the program itself, and how long memory that it has freed stays resident. */
const BASE_BYTES = 60e6;
const KEPT_MS = 500;
/** How often a tick comes through while tasks are started one after another, in milliseconds. */
const TURN_MS = 20;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Runs a job under a fixed shape, or one that a controller changes. */
export function simulate(
  job: SimulatedJob,
  machine: Machine,
  how: { readonly fixed: Shape } | {
    readonly law?: () => SlotLaw;
    readonly growth?: Growth;
    readonly start?: Shape;
    readonly guess?: number;
    readonly maxSlots?: number;
  },
): Simulated {
  const random = seededRandom(machine.seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const noisy = (ms: number) => ms * Math.exp(machine.noise * normal());
  const events = new BinaryHeap<Event>((a, b) => a.atMs - b.atMs || a.order - b.order);
  let [nowMs, order] = [0, 0];
  // While the machine stands still, only the clock that a program reads goes on.
  const { stillEveryMs = Infinity } = job;
  const randomStill = seededRandom(machine.seed + 1);
  const stillAfterMs = () => -stillEveryMs * Math.log(1 - randomStill());
  let [stoodMs, nextStillMs] = [0, stillEveryMs === Infinity ? Infinity : stillAfterMs()];
  const clockMs = () => {
    while (nowMs >= nextStillMs) {
      stoodMs += 50 + 450 * randomStill();
      nextStillMs += stillAfterMs();
    }
    return nowMs + stoodMs;
  };
  const at = (atMs: number, run: () => void) => events.push({ atMs, order: order++, run });

  const controller = "fixed" in how ? undefined : new Controller({
    maxSlots: how.maxSlots ?? 1024,
    maxLanes: BLOCKED_LANES * machine.cores,
    cores: machine.cores,
    memoryBytes: job.memoryBytes ?? Infinity,
    start: how.start ?? ONE,
    guess: how.guess,
    ...(how.law && { law: how.law() }),
    ...(how.growth && { growth: how.growth }),
  }, 0);
  const shape = () => controller?.shape ?? (how as { fixed: Shape }).fixed;

  // The event loop and the lanes: each computes one thing after another, as fast as the cores allow.
  const places = Array.from(
    { length: BLOCKED_LANES * machine.cores + 1 },
    () => ({
      freeMs: 0,
      works: [] as { fromMs: number; toMs: number; ms: number }[],
      inFlight: 0,
      cpuMs: 0,
    }),
  );
  let inFlight = 0;
  // Threads that tasks start use the cores one after another.
  const cores = Array.from({ length: machine.cores }, () => 0);
  let heldMs = 0;
  let [threadCpuMs, involuntary, voluntary] = [0, 0, 0];
  const inThread = (ms: number, then: () => void) => {
    const core = cores.indexOf(Math.min(...cores));
    cores[core] = Math.max(nowMs, cores[core]!) + ms * (1 + (machine.taken ?? 0) / machine.cores);
    at(cores[core]!, () => {
      threadCpuMs += ms;
      then();
    });
  };
  const speed = (place: typeof places[number]) => {
    const busy = places.filter((other) => other === place || other.freeMs > nowMs).length;
    return Math.min(1, machine.cores / (busy + (machine.taken ?? 0)));
  };
  const compute = (place: typeof places[number], ms: number, then: () => void) => {
    const fromMs = Math.max(nowMs, place.freeMs);
    place.freeMs = fromMs + ms / speed(place);
    if (machine.taken) involuntary += ms / SLICE_MS;
    place.works.push({ fromMs, toMs: place.freeMs, ms });
    at(place.freeMs, then);
  };

  const { server, forMs = Infinity, comesAtMs = () => 0 } = job;
  let [asked, tokens, tokensMs, bannedMs] = [
    0,
    server.kind === "rate" ? server.reserve : 0,
    0,
    -Infinity,
  ];
  const serverFree = server.kind === "queue" ? Array.from({ length: server.most }, () => 0) : [];
  const quickly: Answer = { atMs: NaN, isRefused: true };
  const answer = (waitMs: number): Answer => {
    const ms = noisy(waitMs);
    switch (server.kind) {
      case "queue": {
        const first = serverFree.indexOf(Math.min(...serverFree));
        const servedMs = ms * (server.slowness?.(nowMs) ?? 1);
        const atMs = serverFree[first] = Math.max(nowMs, serverFree[first]!) + servedMs;
        return { atMs: atMs + (server.lateMs?.(nowMs) ?? 0) };
      }
      case "rate": {
        const { perSecond } = server;
        const perMs = (typeof perSecond === "number" ? perSecond : perSecond(nowMs)) / 1000;
        tokens = Math.min(server.reserve, tokens + (nowMs - tokensMs) * perMs);
        tokensMs = nowMs;
        if (tokens < 1 || nowMs < bannedMs) {
          if (nowMs >= bannedMs) bannedMs = nowMs + (server.bansMs ?? 0);
          const { lateMs = REFUSES_MS } = server;
          return { atMs: nowMs + lateMs, isRefused: true, askedMs: server.says ? 1000 : 0 };
        }
        tokens--;
        break;
      }
      case "quota": {
        const { most, perMs, says } = server;
        const beganMs = perMs * Math.floor(nowMs / perMs);
        if (beganMs !== tokensMs) [tokens, tokensMs] = [0, beganMs];
        if (++tokens > most) return { ...quickly, askedMs: says ? beganMs + perMs - nowMs : 0 };
        break;
      }
      case "refuses":
        if (asked <= server.most(nowMs)) break;
        return server.after === undefined
          ? quickly
          : { atMs: nowMs + server.after * ms, isRefused: true };
      case "bans":
        if (nowMs >= bannedMs && asked <= server.most) break;
        if (nowMs >= bannedMs || server.extends) bannedMs = nowMs + server.forMs;
        return quickly;
      case "chance":
        if (asked > (server.most ?? Infinity)) return quickly;
        if (random() >= server.share) break;
        if (server.after === undefined) return { ...quickly, askedMs: server.askedMs ?? 0 };
        return { atMs: nowMs + server.after * ms, isRefused: true };
      case "knee":
        return { atMs: nowMs + ms * Math.max(1, (asked + 1) / server.most) };
      case "cliff":
        return { atMs: nowMs + ms * Math.max(1, (asked + 1) / server.most(nowMs)) ** 2 };
    }
    return { atMs: nowMs + ms };
  };
  let [heldBytes, peakBytes, highBytes, highMs] = [0, 0, 0, 0];
  const hold = (bytes: number) => {
    heldBytes += bytes;
    highBytes = Math.max(heldBytes, highBytes * Math.exp((highMs - nowMs) / KEPT_MS));
    highMs = nowMs;
    peakBytes = Math.max(peakBytes, BASE_BYTES + highBytes);
    return BASE_BYTES + highBytes;
  };

  let [next, ended, refused, starts] = [0, 0, 0, 0];
  let firstRefusedMs = Infinity;
  const again: number[] = [];
  // How often items were tried again, and how many wait for that.
  const tries = new Map<number, number>();
  let [waiting, failed] = [0, 0];
  const later = (index: number) => {
    if (job.retries === undefined) return void (forMs === Infinity && again.push(index));
    const tried = tries.get(index) ?? 0;
    if (tried === job.retries) return void failed++;
    tries.set(index, tried + 1);
    waiting++;
    at(nowMs + RETRY_MS * 2 ** tried * random(), () => {
      waiting--;
      again.push(index);
      fill();
    });
  };
  const hasMore = () => again.length > 0 || next < job.items && nowMs < forMs;
  const isOver = () => inFlight === 0 && waiting === 0 && !hasMore();
  let [nextStartMs, wasRetry] = [0, false];
  const start = (index: number, at0: number) => {
    const place = places[at0]!;
    const { waitMs, computeMs, blockMs = 0, threadMs = 0, sendMs = 0, bytes = 0 } = job.taskAt(
      index,
    );
    const startedAtMs = clockMs();
    place.inFlight++;
    inFlight++;
    hold(bytes);
    const isAgain = tries.has(index);
    const end = (isRefused: boolean, askedMs = 0) => {
      place.inFlight--;
      inFlight--;
      hold(-bytes);
      if (isRefused) {
        refused++;
        firstRefusedMs = Math.min(firstRefusedMs, nowMs);
        later(index);
      } else ended++;
      const isUnsaid = "unsaid" in server && server.unsaid === true;
      const count = Number(isRefused);
      const isLost = server.kind === "chance" && server.after !== undefined ||
        "resets" in server && server.resets === true;
      const lost = isLost ? count : 0;
      const how = isUnsaid
        ? { failed: count, isAgain }
        : { refused: count, lost, askedMs, isAgain };
      if (controller?.onEnded(1, startedAtMs, clockMs(), how, at0)) look();
      fill();
    };
    const endHere = () => {
      if (at0 === 0) heldMs += clockMs() - startedAtMs;
      end(false);
    };
    const send = at0 === 0 ? 0 : SEND_MS + sendMs;
    // Tasks that never wait share messages, which hardly keep this event loop busy.
    const sendHereMs = waitMs > 0 ? send : sendMs;
    if (at0 > 0 && sendHereMs > 0) compute(places[0]!, sendHereMs, () => {});
    compute(place, TASK_MS, () => {
      voluntary++;
      if (threadMs > 0) return inThread(noisy(threadMs), () => end(false));
      if (blockMs > 0) {
        const fromMs = place.freeMs;
        place.freeMs += noisy(blockMs);
        place.works.push({ fromMs, toMs: place.freeMs, ms: computeMs });
        return at(place.freeMs, () => endHere());
      }
      if (waitMs === 0) return compute(place, noisy(computeMs) + send, endHere);
      asked++;
      const { atMs, isRefused = false, askedMs } = job.isBad?.(index) ? quickly : answer(waitMs);
      at(Number.isNaN(atMs) ? nowMs + REFUSES_MS : atMs, () => {
        asked--;
        if (isRefused) end(true, askedMs);
        else compute(place, noisy(computeMs) + send, () => end(false));
      });
    });
  };
  let [turnMs, isTickDue] = [0, false];
  let isDue = false;
  const fillAt = (ms: number) => {
    if (isDue) return;
    isDue = true;
    at(ms, () => {
      isDue = false;
      fill();
    });
  };
  const fill = () => {
    const { place, lanes, slots } = shape();
    const gapMs = controller?.gapMs ?? 0;
    if (isTickDue && nowMs >= turnMs + TURN_MS && places[0]!.freeMs <= nowMs) tick();
    while (controller?.isBraking !== true && hasMore()) {
      const usable = place === "lanes" ? places.slice(1, 1 + lanes) : places.slice(0, 1);
      const least = usable.reduce((a, b) => b.inFlight < a.inFlight ? b : a);
      if (least.inFlight >= slots) return;
      if (again.length === 0 && comesAtMs(next) > nowMs) return fillAt(comesAtMs(next));
      if (gapMs > 0 && nowMs < nextStartMs) return fillAt(nextStartMs);
      // An event loop that computes starts no task.
      if (place === "event loop" && least.freeMs > nowMs) return fillAt(least.freeMs);
      nextStartMs = nowMs + gapMs;
      starts++;
      // After a retry a new item has its turn.
      const isFresh = wasRetry && next < job.items && nowMs < forMs && comesAtMs(next) <= nowMs;
      const index = isFresh ? next++ : again.shift() ?? next++;
      wasRetry = tries.has(index);
      start(index, places.indexOf(least));
    }
  };

  const decisions: Decision[] = [];
  const history: { readonly atMs: number; readonly slots: number }[] = [];
  const cpuOf = (place: typeof places[number]) => {
    const { works } = place;
    while (works.length > 0 && works[0]!.toMs <= nowMs) place.cpuMs += works.shift()!.ms;
    const [now] = works;
    return place.cpuMs +
      (now === undefined || now.toMs === now.fromMs
        ? 0
        : now.ms * Math.max(0, nowMs - now.fromMs) / (now.toMs - now.fromMs));
  };
  const seen = () => ({
    nowMs: clockMs(),
    ...(controller?.wantsUsage && {
      loopCpuMs: THREAD_STEP_MS * Math.floor(cpuOf(places[0]!) / THREAD_STEP_MS),
      cpuMs: places.reduce((sum, place) => sum + cpuOf(place), threadCpuMs),
      switches: { involuntary, voluntary },
    }),
    heldMs,
    sendMs: job.taskAt(0).sendMs ?? 0,
    inFlight,
    remaining: forMs < Infinity || job.comesAtMs ? undefined : job.items - next + again.length,
    travels: true,
    awaitsItems: again.length === 0 && hasMore() && comesAtMs(next) > nowMs,
    memoryBytes: job.memoryBytes === undefined ? 0 : hold(0),
    lateMs: lateMs + Math.max(0, clockMs() - dueMs),
  });
  const note = (decision: Decision | undefined) => {
    if (decision === undefined) return;
    decisions.push(decision);
    fill();
  };
  let isStarting = false;
  /** Starts lanes, as many at once as there are cores. */
  const startLanes = (ready: number, wanted: number) => {
    isStarting = ready < wanted && controller!.wantsLanes;
    if (!isStarting) return;
    at(nowMs + START_MS, () => {
      const next = Math.min(wanted, ready + machine.cores);
      if (controller!.wantsLanes) note(controller!.lanesReady(seen(), next, wanted));
      startLanes(next, wanted);
    });
  };
  const look = () => {
    if (isOver() || controller === undefined) return;
    const { wantsUsage } = controller;
    controller.leaveOut(seen());
    note(controller.tick(seen()));
    const isFirst = controller.wantsUsage && !wantsUsage;
    if (isFirst && seen().inFlight === 0) note(controller.tick(seen()));
    fill();
    const { place, lanes, slots } = shape();
    if (!isStarting) startLanes(place === "lanes" ? lanes : 0, controller.lanes);
    history.push({ atMs: nowMs, slots: lanes * slots });
  };
  let [dueMs, lateMs] = [1, 0];
  const tick = () => {
    if (isOver() || controller === undefined) return;
    // A tick comes when the event loop is free, or has started tasks for TURN_MS.
    const loop = places[0]!;
    cpuOf(loop);
    if (loop.works.length > 0 && !isTickDue) {
      isTickDue = true;
      at(loop.works[0]!.toMs, () => isTickDue && tick());
      return;
    }
    isTickDue = false;
    turnMs = nowMs;
    look();
    lateMs += Math.max(0, clockMs() - dueMs);
    dueMs = clockMs() + controller.nextTickMs;
    at(nowMs + controller.nextTickMs, tick);
  };
  controller?.begin(seen());
  at(1, tick);
  at(0, fill);
  // Each start takes a core: measured, eight take five times as long as two.
  if ("fixed" in how && how.fixed.place === "lanes") {
    nowMs = START_MS * Math.ceil(how.fixed.lanes / machine.cores);
  }
  while (!isOver() && nowMs < MOST_MS && refused < Math.min(job.items, MOST_REFUSED + ended)) {
    const event = events.pop()!;
    nowMs = Math.max(nowMs, event.atMs);
    event.run();
  }
  const late = history.filter(({ atMs }) => atMs >= nowMs / 2).map(({ slots }) => slots);
  const mean = late.reduce((sum, slots) => sum + slots, 0) / Math.max(1, late.length);
  const variance = late.reduce((sum, slots) => sum + (slots - mean) ** 2, 0) /
    Math.max(1, late.length);
  return {
    wallMs: isOver() ? clockMs() : Infinity,
    refused,
    ended,
    failed,
    firstRefusedMs,
    peakBytes,
    starts: starts - refused,
    decisions,
    shape: shape(),
    slots: { mean, deviation: Math.sqrt(variance) },
  };
}

/** The fixed shapes that a controller is compared with. */
export function fixedShapes({ cores }: Machine): Shape[] {
  const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];
  return [
    ...sizes.map((slots): Shape => ({ place: "event loop", lanes: 1, slots })),
    ...[1, 2, 4, 8, 16, 32, 64].map((slots): Shape => ({ place: "lanes", lanes: cores, slots })),
    { place: "lanes", lanes: BLOCKED_LANES * cores, slots: 1 },
  ];
}

/** The fixed shape with the most tasks per millisecond, of those with at most 5 % refused and enough memory. */
export function bestFixed(job: SimulatedJob, machine: Machine): Simulated {
  const all = fixedShapes(machine).map((fixed) => simulate(job, machine, { fixed }));
  const polite = all.filter(({ refused, ended, peakBytes }) =>
    refused <= 0.05 * (refused + ended) && peakBytes <= (job.memoryBytes ?? Infinity)
  );
  const pace = ({ ended, wallMs }: Simulated) => ended / wallMs;
  return (polite.length > 0 ? polite : all).reduce((a, b) => pace(b) > pace(a) ? b : a);
}
