/** The families of contests in the order in which they run, with a sentence on each. */

const SENTENCES = {
  pools: "Handing out tasks: most do nothing, so that the pool alone takes time.",
  io: "Downloading from a server on this machine: the tasks wait.",
  cpu: "Computing exact sums of squares, all results checked.",
  python:
    "Computing by Python's own pools: under a GIL only one thread runs Python code at a time.",
  lanes: "Starting: a lane until it takes tasks, a program until its first result.",
  run: "Running a job to its end: what it costs to keep a journal of it.",
  growth: "The same with 1, 10 and 100 times as many items: whether cost grows faster than work.",
  load:
    "Downloading as much as goes: clients of every kind, the fetch that ours is built on, and wrk for what the server gives.",
};

export type Family = keyof typeof SENTENCES;

export const FAMILIES = Object.keys(SENTENCES) as Family[];

/** This family takes longer than all others together, so it runs only if it is named. */
export const LONG_FAMILY: Family = "load";

/** The family's sentence, or "" if it is unknown, as a file of another version may name one. */
export function familySentence(family: string): string {
  return Object.hasOwn(SENTENCES, family) ? SENTENCES[family as Family] : "";
}
