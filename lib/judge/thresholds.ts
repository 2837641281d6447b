/** The thresholds by which measurements are judged, each once. */

/** Up to this CPU share the tasks wait; from `COMPUTES` on they compute. */
export const WAITS = 0.35;
/** From this CPU share on the tasks compute. */
export const COMPUTES = 0.75;

/** Whether tasks that compute for such a share of their time wait, compute, or do both. */
export function boundOfShare(cpuShare: number): "io" | "mixed" | "cpu" {
  return cpuShare <= WAITS ? "io" : cpuShare >= COMPUTES ? "cpu" : "mixed";
}

/** A model that is slower than the best by less than this is as good, if it is simpler. */
export const AS_GOOD = 1.05;
/** A model that is slower than the best by this is clearly worse; a gain below this changes little. */
export const TOO_SLOW = 1.1;

/** A model that was predicted to gain much and gains less than this gains nothing worth a word. */
export const GAINED = 1.2;

/** What gained so many times less than predicted isn't what was predicted. */
export const FAR_LESS = 1.5;

/** Less than this is too little to save: twice what a lane takes to start on a machine that is idle, in milliseconds. */
export const LITTLE_MS = 80;

/** How sure, one-sided, a model must be to be worse than another before it is passed over. */
export const SURE = 0.9;

/** How sure a model must be to be faster than a simpler one that gains as well. */
export const SURE_FASTER = 0.75;

/** How sure an answer must be to be one: less is more likely wrong than right. */
export const MORE_LIKELY = 0.5;

/** How sure it must be that no model gains a tenth, for that to be told. */
export const SURE_OF_NONE = 0.75;

/** How sure an answer can be at most where something speaks against its measurement. */
export const UNSURE = 0.6;

/** A verdict that is less sure says so. */
export const SURE_VERDICT = 0.9;

/** A class that is less sure is said to be unsure. */
export const SURE_CLASS = 0.8;

/** The share of cases in which an interval is to hold the truth. */
export const CONFIDENCE = 0.95;

/** One round tells nothing of the noise: a ratio below this shows nothing. */
export const ONE_ROUND = 3;

/** The ends of an interval that lie so far apart tell nothing. */
export const TELLS_NOTHING = 4;

/** A measured gain this many times above what cores and waiting can give is an error of measurement. */
export const IMPOSSIBLE = 1.2;

/** A race that takes so many times less, or more, than the sample did on the same items isn't the same job. */
export const OTHER_WORK = 1.5;
/** The same for tasks that compute: one loop compiles differently from process to process. */
export const OTHER_COMPUTING = 3;

/** Tasks may take this share of the memory that is free. */
export const MOST_MEMORY = 0.7;

/** `threadCpuUsage` has steps of 10 ms: of less CPU time than this its figure says nothing. */
export const LEAST_THREAD_MS = 100;
