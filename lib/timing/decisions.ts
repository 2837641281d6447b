/** Decisions of `auto` as data, and in words. */

import { z } from "zod";
import type { Decision, Why } from "../adaptive/controller.ts";
import type { Shape } from "../adaptive/watch.ts";
import { counted } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import { amount, count, whole } from "./json_file.ts";

const WHY: Readonly<Record<Why, string>> = {
  start: "to begin with",
  waits: "tasks wait",
  queues: "tasks queue",
  stalls: "nothing ends any more",
  unused: "most slots are never used",
  refused: "some were refused",
  source: "their source gives items no faster",
  memory: "memory runs short",
  computes: "tasks compute, lanes start",
  blocks: "tasks block, lanes start",
  "lanes ready": "lanes have started",
  "lanes don't gain": "lanes gain nothing",
  "waits again": "tasks hardly compute",
  stays: "tasks can't go to lanes",
};

const shapeSchema = z.object({
  place: z.enum(["event loop", "lanes"]),
  lanes: whole,
  slots: whole,
});

export const decisionSchema = z.object({
  /** Time since the first item. */
  atMs: amount,
  /** Where tasks ran before, on how many lanes, and with how many slots on each. */
  from: shapeSchema,
  to: shapeSchema,
  why: z.enum(Object.keys(WHY) as Why[]),
  figures: z.object({
    busyShare: z.number(),
    latencyMs: z.number().nullable(),
    perSecond: z.number(),
    refused: count,
  }),
  detail: z.string().optional(),
});

export type TimedDecision = z.infer<typeof decisionSchema>;

export function shapeText({ place, lanes, slots }: Shape): string {
  const each = counted(slots, "slot");
  return place === "lanes" ? `${counted(lanes, "lane")} of ${each}` : each;
}

/** A decision's change and reason, such as `slots 16 → 32: tasks wait`. */
export function decisionText(
  { from, to, why, detail }: Pick<Decision, "from" | "to" | "why" | "detail">,
): string {
  const isThere = from.place === to.place && from.lanes === to.lanes;
  const change = !isThere
    ? `${shapeText(from)} → ${shapeText(to)}`
    : from.slots === to.slots
    ? shapeText(to)
    : `slots${to.place === "lanes" ? " per lane" : ""} ${from.slots} → ${to.slots}`;
  return `${change}: ${WHY[why]}${detail === undefined ? "" : ` (${plain(detail)})`}`;
}
