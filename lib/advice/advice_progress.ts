/** Shows progress while advice is made: a moving line, or in a pipe a plain line for each phase. */

import { ProgressLine, type ProgressOutput, stderrOutput } from "../progress/progress.ts";
import { plain } from "../text/plain.ts";
import type { TimingEvent } from "../timing/spec.ts";
import { nameOf } from "./prediction/candidate.ts";

const TICK_MS = 250;

function trialText(event: TimingEvent & { type: "trial-started" }): string {
  const { model, lanes = 1, slots = Infinity } = event.trial;
  return `racing ${nameOf({ model, lanes, slots })}, trial ${event.number}`;
}

export function adviceProgress(
  job: string,
  budgetMs: number,
  output: ProgressOutput = stderrOutput(),
) {
  const name = plain(job);
  const line = new ProgressLine(name, output);
  const startMs = performance.now();
  let what = "";
  const draw = () => {
    const spentMs = Math.min(budgetMs, performance.now() - startMs);
    const leftS = Math.ceil((budgetMs - spentMs) / 1000);
    line.show(spentMs / budgetMs, `${what}, at most ${leftS} s left`);
  };
  const timer = setInterval(draw, TICK_MS);
  return {
    phase(text: string) {
      what = text;
      if (line.moves) draw();
      else line.say(`${name}: ${text} …`);
    },
    onEvent(event: TimingEvent) {
      if (event.type !== "trial-started") return;
      what = trialText(event);
      draw();
    },
    end() {
      clearInterval(timer);
      line.end();
    },
  };
}
