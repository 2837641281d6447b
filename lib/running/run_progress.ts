/** The progress of a run: one line that is redrawn on a terminal, or a new line now and then in a pipe. */

import { decisionText } from "../timing/decisions.ts";
import { leftText, ProgressLine, type ProgressOutput, type Pulse } from "../progress/progress.ts";
import { counted, formatCount, formatPercent, formatRate, wholeSeconds } from "../text/format.ts";
import type { LanesNow } from "../timing/spec.ts";
import type { RunState } from "./run_job.ts";
import type { Waits } from "./run_message.ts";

/** How often the line is redrawn on a terminal, and a new one printed in a pipe, in milliseconds. */
const MOVES_MS = 250;
const PRINTS_MS = 10_000;
/** After how long without a message from the job's event loop the line says so, in milliseconds. */
const SILENT_MS = 5_000;
/** How far back the rate is counted, in milliseconds. */
const RATE_MS = 30_000;

/** Names all that a run waits for; an empty text if it doesn't wait. */
export function waitsText(
  { again, paused, others = 0, machine = false, on }: Waits,
  silentMs = 0,
): string {
  const texts: string[] = [];
  if (silentMs >= SILENT_MS) texts.push(`its event loop is held for ${wholeSeconds(silentMs)}`);
  if (on !== undefined) texts.push(`waits for ${on}`);
  if (machine) texts.push("waits for a machine to join");
  if (paused !== undefined) {
    const { ms, asked, status, host } = paused;
    const what = [...(status ? [String(status)] : []), ...(host ? [`host ${host}`] : [])];
    const of = what.length === 0 ? "" : ` (${what.join(", ")})`;
    const why = `the server ${asked ? "asked for it" : "refuses"}${of}`;
    const further = others === 0 ? "" : `, and ${counted(others, "other host")}`;
    texts.push(`paused ${wholeSeconds(ms)}: ${why}${further}`);
  }
  if (again > 0) texts.push(`${formatCount(again)} ${again === 1 ? "waits" : "wait"} for a retry`);
  return texts.join(", ");
}

export class RunProgress {
  readonly #line: ProgressLine;
  readonly #startMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #seen: [number, number][];

  constructor(
    private readonly name: string,
    private readonly state: RunState,
    output?: ProgressOutput,
  ) {
    this.#line = new ProgressLine(name, output);
    this.#seen = [[this.#startMs, state.settled]];
    this.#timer = setInterval(() => this.tick(), this.#line.moves ? MOVES_MS : PRINTS_MS);
  }

  tick(): void {
    const { settled, total, perSecond, waits } = this.pulse();
    const { failed, decided } = this.state;
    const share = total === null ? 0 : settled / Math.max(1, total);
    const text = [
      total === null
        ? counted(settled, "item")
        : `${formatCount(settled)} of ${formatCount(total)} items (${formatPercent(share)})`,
      ...(waits === "" ? [] : [waits]),
      ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
      ...(perSecond > 0 ? [formatRate(perSecond)] : []),
      ...(perSecond > 0 && total !== null ? [leftText((total - settled) / perSecond * 1000)] : []),
      ...(decided === undefined ? [] : [decisionText(decided)]),
    ].join(", ");
    if (this.#line.moves) this.#line.show(share, text);
    else this.#line.say(`${this.name}: ${text}`);
  }

  pulse(): Omit<Pulse, "reasons" | keyof LanesNow> & { readonly waits: string } {
    const { goal: total = null, settled, waits, silentMs, failed } = this.state;
    const nowMs = performance.now();
    this.#seen.push([nowMs, settled]);
    while (this.#seen.length > 2 && nowMs - this.#seen[1]![0] > RATE_MS) this.#seen.shift();
    const [sinceMs, since] = this.#seen[0]!;
    // While no machine runs a task, the earlier rate predicts nothing.
    const isUnderWay = nowMs > sinceMs && !waits.machine;
    const perSecond = isUnderWay ? (settled - since) / (nowMs - sinceMs) * 1000 : 0;
    return {
      atMs: nowMs - this.#startMs,
      settled,
      failed,
      total,
      perSecond,
      waits: waitsText(waits, silentMs),
    };
  }

  /** Writes the output of tasks, above a line that is redrawn. */
  print(text: string): void {
    this.#line.write(text);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#line.end();
  }
}
