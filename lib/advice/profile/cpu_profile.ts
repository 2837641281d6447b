/**
 * A profile as V8 writes it (`.cpuprofile`), read into a tree of calls that holds the time of each: a
 * pure function of its JSON.
 *
 * @module
 */

import { z } from "zod";

/** A place in a program that was seen running. */
export interface Frame {
  /** The function's name, as V8 gives it; empty for one without. */
  readonly name: string;
  /** Its module; empty for what V8 itself does. */
  readonly url: string;
  /** The line on which it begins, from 1; 0 if it has none. */
  readonly line: number;
  /** Where in the line, from 1; 0 if unknown. */
  readonly column: number;
}

/** A call: a function below the one that called it. */
export interface Call {
  /** What was called. */
  readonly frame: Frame;
  /** Time in which it ran itself, in microseconds. */
  selfUs: number;
  /** What it called. */
  readonly calls: Call[];
}

/** What was seen between the marks. */
export interface CallTree {
  /** What was called by nothing that counts. */
  readonly calls: readonly Call[];
  /** How often something that counts was seen running. */
  readonly samples: number;
}

/** Which frames mean something special. */
export interface FrameRoles {
  /** Whether a frame marks where the tasks begin, or where they end; undefined for all others. */
  readonly mark: (frame: Frame) => "begin" | "end" | undefined;
  /** Whether a frame, and all that it calls, isn't looked at. */
  readonly apart: (frame: Frame) => boolean;
  /** Whether a frame belongs to what measures: its own time isn't counted, what it called is. */
  readonly own: (frame: Frame) => boolean;
}

const profileSchema = z.object({
  nodes: z.array(z.object({
    id: z.number(),
    callFrame: z.object({
      functionName: z.string(),
      url: z.string(),
      lineNumber: z.number(),
      columnNumber: z.number(),
    }),
    children: z.array(z.number()).optional(),
  })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

type Node = z.infer<typeof profileSchema>["nodes"][number];

/** Names of V8's for what is no call. */
const ROOT = "(root)";
const IDLE = "(idle)";

/** Whether two frames are of the same function. */
export function keyOf({ name, url, line, column }: Frame): string {
  return JSON.stringify([name, url, line, column]);
}

function frameOf({ callFrame: { functionName, url, lineNumber, columnNumber } }: Node): Frame {
  return { name: functionName, url, line: lineNumber + 1, column: columnNumber + 1 };
}

/** The time of each node: its function is taken to have run from one sample until the next. */
function weigh(
  samples: readonly number[],
  deltas: readonly number[],
  from: number,
  to: number,
): Map<number, { us: number; samples: number }> {
  const weights = new Map<number, { us: number; samples: number }>();
  for (let at = from; at < to; at++) {
    const weight = weights.get(samples[at]!) ?? { us: 0, samples: 0 };
    // Clocks of two cores may differ a little: time never runs backwards.
    weight.us += Math.max(0, deltas[at + 1] ?? 0);
    weight.samples++;
    weights.set(samples[at]!, weight);
  }
  return weights;
}

/**
 * Reads the tree of calls between a profile's marks; undefined if it is no profile, or lacks a mark. A
 * function that calls itself is one call with the time of all. Idle time isn't counted.
 */
export function callTree(json: unknown, roles: FrameRoles): CallTree | undefined {
  const parsed = profileSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { nodes, samples, timeDeltas } = parsed.data;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frames = new Map(nodes.map((node) => [node.id, frameOf(node)]));
  const marks = marksOf(nodes, (id) => roles.mark(frames.get(id)!));
  const begin = samples.findLastIndex((id) => marks.get(id) === "begin");
  const end = samples.findIndex((id, at) => at > begin && marks.get(id) === "end");
  if (begin < 0 || end < 0) return undefined;
  const weights = weigh(samples, timeDeltas, begin + 1, end);
  const calls: Call[] = [];
  let counted = 0;
  const seen = new Set<number>();
  const open: { id: number; above: Call | undefined }[] = [];
  const children = new Set(nodes.flatMap(({ children = [] }) => children));
  for (const { id } of nodes) if (!children.has(id)) open.push({ id, above: undefined });
  // From callers to what they call; a node that is reached twice is left out.
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { id, above } = next;
    const node = byId.get(id);
    if (node === undefined || seen.has(id)) continue;
    seen.add(id);
    const frame = frames.get(id)!;
    if (roles.apart(frame)) continue;
    const left = frame.url === "" && (frame.name === ROOT || frame.name === IDLE) ||
      roles.own(frame) || marks.get(id) !== undefined;
    const call = left ? above : callBelow(above, frame, calls);
    if (!left) {
      const weight = weights.get(id);
      call!.selfUs += weight?.us ?? 0;
      counted += weight?.samples ?? 0;
    }
    for (const child of node.children ?? []) open.push({ id: child, above: call });
  }
  return { calls: calls.filter((call) => totalUs(call) > 0), samples: counted };
}

/** What a mark calls is of the mark. */
function marksOf<Mark>(
  nodes: readonly Node[],
  markOf: (id: number) => Mark | undefined,
): Map<number, Mark> {
  const marks = new Map<number, Mark>();
  const children = new Map(nodes.map(({ id, children = [] }) => [id, children]));
  for (const { id } of nodes) {
    const mark = markOf(id);
    const open = mark === undefined ? [] : [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (marks.has(next)) continue;
      marks.set(next, mark!);
      open.push(...children.get(next) ?? []);
    }
  }
  return marks;
}

function callBelow(above: Call | undefined, frame: Frame, roots: Call[]): Call {
  const key = keyOf(frame);
  if (above !== undefined && keyOf(above.frame) === key) return above;
  const siblings = above?.calls ?? roots;
  const known = siblings.find((call) => keyOf(call.frame) === key);
  if (known !== undefined) return known;
  const call: Call = { frame, selfUs: 0, calls: [] };
  siblings.push(call);
  return call;
}

/** Time of a call with all that it called, in microseconds. */
export function totalUs(call: Call): number {
  let sum = 0;
  const open = [call];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    sum += next.selfUs;
    open.push(...next.calls);
  }
  return sum;
}
