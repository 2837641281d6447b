/** What is told while measuring: a line that moves, or in a pipe a plain one a comparison. */

import { attempt } from "../lanes/attempt.ts";
import { fit, plain } from "../text/plain.ts";
import type { ModelSpec, TimingEvent } from "../timing/spec.ts";
import { isDumb, printError } from "../text/print.ts";
import { counted, wholeSeconds } from "../text/format.ts";

const BAR_COLUMNS = 20;
const REDRAW_MS = 100;
/** Where the terminal has become narrower, a line is cut instead of broken: broken it couldn't be wiped. */
const [UNBROKEN, BROKEN] = ["\x1b[?7l", "\x1b[?7h"];
/** What wipes a line that moves, for what is to stand in its place. */
export const WIPED = "\r\x1b[K";

export interface ProgressOutput {
  readonly isTerminal: boolean;
  readonly columns: number;
  writeLine(line: string): void;
  /** The clock, in milliseconds; default `performance.now`. */
  now?(): number;
}

export function stderrOutput(): ProgressOutput {
  const isTerminal = Deno.stderr.isTerminal() && !isDumb();
  // Where standard input or output isn't a terminal the size can't be told.
  const columns = (isTerminal && attempt(() => Deno.consoleSize().columns)) || 80;
  return { isTerminal, columns, writeLine: printError };
}

/**
 * A line on a terminal that moves, until `end()`. The terminal stays as it is between two drawings: with its
 * cursor, and breaking long lines, so that whatever ends or stops the program leaves nothing to mend.
 */
export class ProgressLine {
  readonly now: () => number;
  readonly moves: boolean;
  readonly #end = () => this.end();
  #share = 0;
  #text: string;
  #redraw: ReturnType<typeof setInterval> | undefined;
  /** What others printed last, where no line moves, if its line has no end yet. */
  #unended = false;

  constructor(text: string, private readonly output: ProgressOutput = stderrOutput()) {
    this.now = () => output.now?.() ?? performance.now();
    this.moves = output.isTerminal;
    this.#text = text;
    if (!this.moves) return;
    this.#draw();
    this.#redraw = setInterval(() => this.#draw(), REDRAW_MS);
    // Where the program ends at once, as after a second Ctrl-C, the prompt gets a line of its own too.
    addEventListener("unload", this.#end);
  }

  #draw(): void {
    const done = Math.round(Math.min(1, Math.max(0, this.#share || 0)) * BAR_COLUMNS);
    const bar = "█".repeat(done) + "░".repeat(BAR_COLUMNS - done);
    const text = fit(this.#text, this.output.columns - BAR_COLUMNS - 3);
    toStderr(`\r${UNBROKEN}${bar} ${text}\x1b[K${BROKEN}`);
  }

  /** What it says from its next drawing on; `share` is how much is done, 0 to 1. */
  show(share: number, text: string): void {
    this.#share = share;
    this.#text = text;
  }

  /** Writes a line that stays, above one that moves. */
  say(text: string): void {
    if (this.moves) return this.write(`${text}\n`);
    this.#endOthers();
    this.output.writeLine(text);
  }

  #endOthers(): void {
    if (this.#unended) toStderr("\n");
    this.#unended = false;
  }

  /** Writes what others print, as it is. */
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

/** What was measured matters more than the line: a terminal that is gone ends nothing. */
function toStderr(text: string): void {
  attempt(() => Deno.stderr.writeSync(new TextEncoder().encode(text)));
}

/**
 * An estimate of the time left: learns from the trials that ended how long each model takes, and adds up
 * what is to come. A model not seen yet is taken to be as slow as the slowest one: better early than late.
 * All times are milliseconds of one clock.
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
      // The running trial is still counted as open: what it has used is no longer to come.
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
  /** Begins a comparison: a job, under models that are measured so often each. */
  begin(
    plan: { readonly job: string; readonly models: readonly ModelSpec[]; readonly rounds: number },
  ): void;
  onEvent(event: TimingEvent): void;
  /** Ends a comparison: takes the moving line away. */
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
      left = new TimeLeft(names, rounds, line.now());
      if (!line.moves) line.say(`${job}: ${counted(rounds, "round")} of ${names.join(", ")} …`);
    },
    onEvent(event) {
      if (line === undefined) return;
      const nowMs = line.now();
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

/** Time left is a guess: whole seconds say so, and don't flicker. */
export function leftText(ms: number): string {
  return `${wholeSeconds(ms)} left`;
}
