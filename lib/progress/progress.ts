/**
 * Progress while measuring: a redrawn line on a terminal, or in a pipe a plain line per comparison; and the state of
 * a run for pages that watch it.
 */

import { attempt } from "../lanes/attempt.ts";
import { fit, plain } from "../text/plain.ts";
import type { LanesNow, ModelSpec, TimingEvent } from "../timing/spec.ts";
import { isDumb, printError } from "../text/print.ts";
import { counted, wholeSeconds } from "../text/format.ts";

const BAR_COLUMNS = 20;
const REDRAW_MS = 100;
/** A redrawn line is cut, not wrapped, if the terminal became narrower: a wrapped one couldn't be erased. */
const [UNBROKEN, BROKEN] = ["\x1b[?7l", "\x1b[?7h"];
/** Erases a redrawn line, so that other text can take its place. */
export const WIPED = "\r\x1b[K";

export interface ProgressOutput {
  readonly isTerminal: boolean;
  readonly columns: number;
  writeLine(line: string): void;
}

export function stderrOutput(): ProgressOutput {
  const isTerminal = Deno.stderr.isTerminal() && !isDumb();
  // If standard input or output isn't a terminal, the size may be unknown.
  const columns = (isTerminal && attempt(() => Deno.consoleSize().columns)) || 80;
  return { isTerminal, columns, writeLine: printError };
}

/**
 * A line that is redrawn on a terminal until `end()`. Between two drawings the terminal is as before, with its
 * cursor and with wrapping of long lines, so that nothing must be restored if the program ends or stops.
 */
export class ProgressLine {
  readonly moves: boolean;
  readonly #end = () => this.end();
  #share = 0;
  #text: string;
  #redraw: ReturnType<typeof setInterval> | undefined;
  /** Whether text that others printed last lacks a line end; used only if no line is redrawn. */
  #unended = false;

  constructor(text: string, private readonly output: ProgressOutput = stderrOutput()) {
    this.moves = output.isTerminal;
    this.#text = text;
    if (!this.moves) return;
    this.#draw();
    this.#redraw = setInterval(() => this.#draw(), REDRAW_MS);
    // If the program exits at once, as after a second Ctrl-C, the line is erased for the prompt, too.
    addEventListener("unload", this.#end);
  }

  #draw(): void {
    const done = Math.round(Math.min(1, Math.max(0, this.#share || 0)) * BAR_COLUMNS);
    const bar = "█".repeat(done) + "░".repeat(BAR_COLUMNS - done);
    const text = fit(this.#text, this.output.columns - BAR_COLUMNS - 3);
    toStderr(`\r${UNBROKEN}${bar} ${text}\x1b[K${BROKEN}`);
  }

  /** Sets the text from the next drawing on; `share` is how much is done, 0 to 1. */
  show(share: number, text: string): void {
    this.#share = share;
    this.#text = text;
  }

  /** Writes a permanent line, above a redrawn one. */
  say(text: string): void {
    if (this.moves) return this.write(`${text}\n`);
    this.#endOthers();
    this.output.writeLine(text);
  }

  #endOthers(): void {
    if (this.#unended) toStderr("\n");
    this.#unended = false;
  }

  /** Writes text that others print, unchanged. */
  write(text: string): void {
    const whole = text.endsWith("\n") ? text : `${text}\n`;
    this.#unended = !this.moves && text !== whole;
    toStderr(this.moves ? WIPED + whole : text);
  }

  end(): void {
    this.#endOthers();
    if (this.#redraw === undefined) return;
    removeEventListener("unload", this.#end);
    clearInterval(this.#redraw);
    this.#redraw = undefined;
    toStderr(WIPED);
  }
}

/** A terminal that is gone must not end the measurement. */
function toStderr(text: string): void {
  attempt(() => Deno.stderr.writeSync(new TextEncoder().encode(text)));
}

/**
 * An estimate of the time left: it learns how long each model's trials take, and adds up those to come. A model
 * without a finished trial counts as the slowest one, since too long an estimate is better than too short a
 * one. All times are milliseconds of one clock.
 */
export class TimeLeft {
  readonly #open = new Map<string, number>();
  readonly #seen = new Map<string, { trials: number; totalMs: number }>();
  #trialModel: string | undefined;
  #trialStartedMs: number;
  readonly #startedMs: number;

  constructor(models: readonly string[], rounds: number, nowMs: number) {
    for (const model of models) this.#open.set(model, rounds);
    this.#startedMs = this.#trialStartedMs = nowMs;
  }

  take(event: TimingEvent, nowMs: number): void {
    if (event.type === "trial-started") {
      this.#trialModel = event.trial.model;
      this.#trialStartedMs = nowMs;
    } else if (event.type === "trial-ended") {
      const { model } = event.trial;
      const seen = this.#seen.getOrInsert(model, { trials: 0, totalMs: 0 });
      seen.trials++;
      seen.totalMs += nowMs - this.#trialStartedMs;
      this.#open.set(model, Math.max(0, (this.#open.get(model) ?? 1) - 1));
      this.#trialModel = undefined;
    }
  }

  /** How long the rest will take, in milliseconds; undefined before the first trial ended. */
  remainingMs(nowMs: number): number | undefined {
    if (this.#seen.size === 0) return undefined;
    const means = new Map([...this.#seen].map(([m, { trials, totalMs }]) => [m, totalMs / trials]));
    const slowest = Math.max(...means.values());
    let rest = 0;
    for (const [model, trials] of this.#open) rest += trials * (means.get(model) ?? slowest);
    if (this.#trialModel !== undefined) {
      // The running trial is still counted as open, so the time that it has used is subtracted.
      const usual = means.get(this.#trialModel) ?? slowest;
      rest -= Math.min(usual, nowMs - this.#trialStartedMs);
    }
    return Math.max(0, rest);
  }

  share(nowMs: number): number {
    const remaining = this.remainingMs(nowMs);
    if (remaining === undefined) return 0;
    const passed = nowMs - this.#startedMs;
    return passed + remaining > 0 ? passed / (passed + remaining) : 1;
  }
}

export interface ComparisonProgress {
  /** Begins a comparison: a job, under models that each run `rounds` times. */
  begin(
    plan: { readonly job: string; readonly models: readonly ModelSpec[]; readonly rounds: number },
  ): void;
  onEvent(event: TimingEvent): void;
  /** Ends a comparison and erases its line. */
  end(): void;
}

export function createProgress(output: ProgressOutput = stderrOutput()): ComparisonProgress {
  let line: ProgressLine | undefined;
  let left = new TimeLeft([], 0, 0);
  let what = "";
  let job = "";
  return {
    begin({ job: name, models, rounds }) {
      job = plain(name);
      what = "starting";
      line = new ProgressLine(job, output);
      const names = models.map(({ model }) => model);
      left = new TimeLeft(names, rounds, performance.now());
      if (!line.moves) line.say(`${job}: ${counted(rounds, "round")} of ${names.join(", ")} …`);
    },
    onEvent(event) {
      if (line === undefined) return;
      const nowMs = performance.now();
      left.take(event, nowMs);
      if (event.type === "trial-started") {
        what = `${event.trial.model}, trial ${event.number} of ${event.of}`;
      } else if (event.type === "ceiling-started") what = "what this machine can gain";
      const remainingMs = left.remainingMs(nowMs);
      const rest = remainingMs === undefined ? "" : `, ${leftText(remainingMs)}`;
      line.show(left.share(nowMs), `${job}: ${what}${rest}`);
    },
    end() {
      line?.end();
      line = undefined;
    },
  };
}

/** The time left is only an estimate: whole seconds show that, and don't flicker. */
export function leftText(ms: number): string {
  return `${wholeSeconds(ms)} left`;
}

/** The state of a run for those that watch it. */
export interface Pulse extends LanesNow {
  /** The part of the whole that it belongs to, if there are several. */
  readonly part?: string;
  /** Time since the beginning, in milliseconds. */
  readonly atMs: number;
  readonly settled: number;
  readonly failed: number;
  /** How many items there are; null if that isn't known. */
  readonly total: number | null;
  readonly perSecond: number;
  /** The reason why the run waits, in words; empty if it doesn't. */
  readonly waits?: string;
  /** Why items failed, the most frequent reason first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

/** Makes the pulses of comparisons: each trial is a part. */
export class TrialPulses {
  readonly #startMs = performance.now();
  readonly #reasons = new Map<string, number>();
  #part = "";
  #last: Pulse | undefined;

  constructor(private readonly show: (pulse: Pulse) => void) {}

  take(job: string, event: TimingEvent): void {
    if (event.type === "trial-started") {
      this.#part = `${job}: ${event.trial.model}, trial ${event.number} of ${event.of}`;
    } else if (event.type === "pulse") {
      const { runMs, total = null, ...rest } = event.pulse;
      const perSecond = runMs > 0 ? rest.settled / runMs * 1000 : 0;
      this.#pulse({ ...rest, total, perSecond });
    } else if (event.type === "trial-ended" && event.result.failures !== undefined) {
      for (const { reason, count } of event.result.failures) {
        this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + count);
      }
      if (this.#last !== undefined) this.#pulse({ ...this.#last, latencyMs: null });
    }
  }

  #pulse(pulse: Omit<Pulse, "atMs" | "part" | "reasons">): void {
    this.#last = {
      ...pulse,
      atMs: performance.now() - this.#startMs,
      part: this.#part,
      reasons: [...this.#reasons].map(([reason, count]) => ({ reason, count }))
        .sort((a, b) => b.count - a.count),
    };
    this.show(this.#last);
  }
}
