/** All thresholds by which measurements are judged. */

/** Up to this CPU share tasks count as waiting. */
export const WAITS = 0.35;
/** From this CPU share on tasks count as computing. */
export const COMPUTES = 0.75;

/** Whether tasks with this CPU share wait, compute, or do both. */
export function boundOfShare(cpuShare: number): "io" | "mixed" | "cpu" {
  return cpuShare <= WAITS ? "io" : cpuShare >= COMPUTES ? "cpu" : "mixed";
}

/** A simpler model that takes less than this many times the best's time is as good. */
export const AS_GOOD = 1.05;
/** A model that takes this many times the best's time is clearly worse; a smaller gain matters little. */
export const TOO_SLOW = 1.1;

/** A model predicted to gain much that gains less than this gains nothing worth mentioning. */
export const GAINED = 1.2;

/** A gain this many times below its prediction refutes the prediction. */
export const FAR_LESS = 1.5;

/** Saving less is too little, in milliseconds: twice what a lane takes to start on an idle machine. */
export const LITTLE_MS = 80;

/** The confidence at which a race counts as decided. */
export const SURE = 0.9;

/** The confidence that a model is faster than a simpler one that gains as well, for it to be preferred. */
export const SURE_FASTER = 0.75;

/** The least confidence of an answer; less is more likely wrong than right. */
export const MORE_LIKELY = 0.5;

/** The confidence needed to report that no model gains a tenth. */
export const SURE_OF_NONE = 0.75;

/** The highest confidence of an answer whose measurement is in doubt. */
export const UNSURE = 0.6;

/** A verdict with a lower confidence is reported as unsure. */
export const SURE_VERDICT = 0.9;

/** A class (waits, computes, both) with a lower confidence is reported as unsure. */
export const SURE_CLASS = 0.8;

/** The confidence level of all intervals. */
export const CONFIDENCE = 0.95;

/** A ratio below this shows nothing if there is only one round, since one round shows no noise. */
export const ONE_ROUND = 3;

/** An interval whose ends differ by this factor tells nothing. */
export const TELLS_NOTHING = 4;

/** A measured gain this many times above what cores and waiting allow is a measurement error. */
export const IMPOSSIBLE = 1.2;

/** A race that takes this many times more or less than the sample on the same items did other work. */
export const OTHER_WORK = 1.5;
/** The same for computing tasks: one loop may compile differently from process to process. */
export const OTHER_COMPUTING = 3;

/** With this many times as many tasks in flight as are served at once, most of them only queue. */
export const QUEUEING = 4;

/** The share of free memory that tasks may take. */
export const MOST_MEMORY = 0.7;

/** `threadCpuUsage` has steps of 10 ms, so it says nothing about less CPU time than this. */
export const LEAST_THREAD_MS = 100;
