/** The families of contests with others, in the order in which they are run, and what each is about. */

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

/** One that takes longer than all the others together, and is raced only if it is named. */
export const LONG_FAMILY: Family = "load";

/** "" of a family that isn't known here: a file may be another version's. */
export function familySentence(family: string): string {
  return Object.hasOwn(SENTENCES, family) ? SENTENCES[family as Family] : "";
}
