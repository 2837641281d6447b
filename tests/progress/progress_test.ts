import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createProgress, ProgressLine, TimeLeft, WIPED } from "../../lib/progress/progress.ts";
import type { TimingEvent, TrialResult, TrialSpec } from "../../lib/timing/spec.ts";

Deno.test("in a pipe there is one plain line a comparison, and nothing moves", () => {
  const lines: string[] = [];
  const writeLine = (line: string) => lines.push(line);
  const progress = createProgress({ isTerminal: false, columns: 80, writeLine });
  const models = [{ model: "sequential" }, { model: "limited", slots: 5 }] as const;
  const trial = { model: "sequential" } as TrialSpec;
  for (const job of ["download\x1b[2J 160 pages", "again"]) {
    progress.begin({ job, models, rounds: 3 });
    progress.onEvent({ type: "trial-started", trial, number: 1, of: 6 });
    progress.onEvent({ type: "progress", settled: 1, total: 160 });
    progress.onEvent({ type: "trial-ended", trial, result: {} as TrialResult });
    progress.onEvent({ type: "ceiling-started" });
    progress.end();
  }
  assertEquals(lines, [
    "download 160 pages: 3 rounds of sequential, limited …",
    "again: 3 rounds of sequential, limited …",
  ]);
});

function started(model: string): TimingEvent {
  return { type: "trial-started", trial: { model } as TrialSpec, number: 1, of: 4 };
}

function ended(model: string): TimingEvent {
  return { type: "trial-ended", trial: { model } as TrialSpec, result: {} as TrialResult };
}

Deno.test("nothing is known of the time left before the first trial ended", () => {
  const left = new TimeLeft(["sequential", "limited"], 2, 0);
  left.take(started("sequential"), 0);
  assertEquals(left.remainingMs(500), undefined);
  assertEquals(left.share(500), 0);
});

Deno.test("the time left adds up what each model usually takes", () => {
  const left = new TimeLeft(["sequential", "limited"], 2, 0);
  left.take(started("sequential"), 0);
  left.take(ended("sequential"), 1000);
  // `limited` has not run yet, and is assumed to be as slow as the slowest model.
  assertEquals(left.remainingMs(1000), 3000);
  left.take(started("limited"), 1000);
  left.take(ended("limited"), 1100);
  assertEquals(left.remainingMs(1100), 1100);
  left.take(started("sequential"), 1100);
  assertEquals(left.remainingMs(1500), 700);
  assertEquals(left.share(1500), 1500 / 2200);
});

Deno.test("a model is taken to need the mean of its trials", () => {
  const left = new TimeLeft(["limited"], 4, 0);
  for (const [fromMs, toMs] of [[0, 1000], [1000, 1500]] as const) {
    left.take(started("limited"), fromMs);
    left.take(ended("limited"), toMs);
  }
  assertEquals(left.remainingMs(1500), 2 * 750);
});

Deno.test("a trial that takes longer than usual doesn't make the time left negative", () => {
  const left = new TimeLeft(["sequential"], 2, 0);
  left.take(started("sequential"), 0);
  left.take(ended("sequential"), 100);
  left.take(started("sequential"), 100);
  assertEquals(left.remainingMs(10_000), 0);
  left.take(ended("sequential"), 10_000);
  assertEquals(left.share(10_000), 1);
});

/** Draws a line while writes to stderr go to `writeSync`. */
function drawing(writeSync: (bytes: Uint8Array) => number): void {
  const real = Deno.stderr.writeSync;
  Deno.stderr.writeSync = writeSync;
  try {
    const line = new ProgressLine("starting", { isTerminal: true, columns: 60, writeLine() {} });
    line.show(0.5, "half of it");
    line.end();
  } finally {
    Deno.stderr.writeSync = real;
  }
}

Deno.test("a moving line leaves the terminal as it is after each writing, whenever the program stops", () => {
  const written: string[] = [];
  drawing((bytes) => {
    written.push(new TextDecoder().decode(bytes));
    return bytes.length;
  });
  assertStringIncludes(written[0]!, "starting");
  assertEquals(written.at(-1), WIPED);
  for (const text of written) {
    // The text hides no cursor and saves no position, because lines may be written above it meanwhile.
    // deno-lint-ignore no-control-regex
    assert(!/\x1b(\[\?25|[78]|\[[su])/.test(text), JSON.stringify(text));
    assertEquals(text.lastIndexOf("\x1b[?7h") >= text.lastIndexOf("\x1b[?7l"), true, text);
  }
});

Deno.test("a moving line ends no program whose terminal is gone", () => {
  let tried = 0;
  drawing(() => {
    tried++;
    throw new Error("Input/output error (os error 5)");
  });
  assert(tried > 0);
});
