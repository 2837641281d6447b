/** Reads a profile as V8 writes it (`.cpuprofile`) into a tree of calls. */

import { z } from "zod";

export interface CallFrame {
  readonly name: string;
  /** The function's module; empty for V8's own functions. */
  readonly url: string;
  /** The line where it begins, from 1; 0 if unknown. */
  readonly line: number;
  readonly column: number;
}

export interface Call {
  readonly frame: CallFrame;
  selfUs: number;
  readonly calls: Call[];
}

/** The outermost calls between the marks, and the number of samples in all counted calls. */
export interface CallTree {
  readonly calls: readonly Call[];
  readonly samples: number;
}

export interface FrameRoles {
  /** Whether a frame marks the beginning or the end of the tasks; undefined for all others. */
  readonly mark: (frame: CallFrame) => "begin" | "end" | undefined;
  /** Whether a frame is left out, together with all its calls. */
  readonly apart: (frame: CallFrame) => boolean;
  /** Whether a frame belongs to the measuring code; its own time isn't counted, that of its calls is. */
  readonly own: (frame: CallFrame) => boolean;
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

/** Names by which V8 marks time outside of calls. */
const NO_CALLS: readonly string[] = ["(root)", "(idle)"];

/** A key that is equal for two frames of the same function. */
export function keyOf({ name, url, line, column }: CallFrame): string {
  return JSON.stringify([name, url, line, column]);
}

/** Each node's time and number of samples; a sample's node is taken to run until the next sample. */
function weigh(
  samples: readonly number[],
  deltas: readonly number[],
): Map<number, { us: number; samples: number }> {
  const weights = new Map<number, { us: number; samples: number }>();
  for (const [at, id] of samples.entries()) {
    const { us, samples } = weights.get(id) ?? { us: 0, samples: 0 };
    // Clocks of two cores may differ a little, but time never runs backwards.
    weights.set(id, { us: us + Math.max(0, deltas[at + 1] ?? 0), samples: samples + 1 });
  }
  return weights;
}

/** The calls between a profile's marks, with recursion as one call; undefined if a mark is missing. */
export function callTree(json: unknown, roles: FrameRoles): CallTree | undefined {
  const parsed = profileSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { nodes, samples, timeDeltas } = parsed.data;
  const byId = new Map(nodes.map(({ id, callFrame, children = [] }) => {
    const { functionName: name, url, lineNumber, columnNumber } = callFrame;
    return [id, { frame: { name, url, line: lineNumber + 1, column: columnNumber + 1 }, children }];
  }));
  /** Walks from callers to callees, each node once; `visit` returns the state for a node's callees. */
  const walk = <State>(roots: readonly number[], first: State, visit: Visit<State>) => {
    const open = roots.map((id) => ({ id, state: first }));
    const seen = new Set<number>();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const node = byId.get(next.id);
      if (node === undefined || seen.has(next.id)) continue;
      seen.add(next.id);
      const state = visit(next.id, node.frame, next.state);
      if (state !== null) open.push(...node.children.map((id) => ({ id, state })));
    }
  };
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const roots = nodes.map(({ id }) => id).filter((id) => !called.has(id));
  // Calls below a mark belong to the mark.
  const marks = new Map<number, ReturnType<FrameRoles["mark"]>>();
  walk<ReturnType<FrameRoles["mark"]>>(roots, undefined, (id, frame, above) => {
    const mark = above ?? roles.mark(frame);
    marks.set(id, mark);
    return mark;
  });
  const begin = samples.findLastIndex((id) => marks.get(id) === "begin");
  const end = samples.findIndex((id, at) => at > begin && marks.get(id) === "end");
  if (begin < 0 || end < 0) return undefined;
  const weights = weigh(samples.slice(begin + 1, end), timeDeltas.slice(begin + 1));
  const calls: Call[] = [];
  let counted = 0;
  walk<Call | undefined>(roots, undefined, (id, frame, above) => {
    if (roles.apart(frame)) return null;
    const isNoCall = frame.url === "" && NO_CALLS.includes(frame.name);
    if (isNoCall || roles.own(frame) || marks.get(id) !== undefined) return above;
    const call = callBelow(above, frame, calls);
    const weight = weights.get(id);
    call.selfUs += weight?.us ?? 0;
    counted += weight?.samples ?? 0;
    return call;
  });
  return { calls: calls.filter((call) => totalUs(call) > 0), samples: counted };
}

/** Returns the state for a node's callees; null if they are left out. */
type Visit<State> = (id: number, frame: CallFrame, above: State) => State | null;

function callBelow(above: Call | undefined, frame: CallFrame, roots: Call[]): Call {
  const key = keyOf(frame);
  if (above !== undefined && keyOf(above.frame) === key) return above;
  const siblings = above?.calls ?? roots;
  const known = siblings.find((call) => keyOf(call.frame) === key);
  const call = known ?? { frame, selfUs: 0, calls: [] };
  if (known === undefined) siblings.push(call);
  return call;
}

export function totalUs(call: Call): number {
  let sum = 0;
  const open = [call];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    sum += next.selfUs;
    open.push(...next.calls);
  }
  return sum;
}
