import { assertEquals } from "@std/assert";
import { ONE, type Shape } from "../../lib/adaptive/watch.ts";
import { decisionText } from "../../lib/timing/decisions.ts";

Deno.test("a decision is told by what it changes, and why", () => {
  const lanes: Shape = { place: "lanes", lanes: 2, slots: 1 };
  const slots = (count: number): Shape => ({ ...ONE, slots: count });
  const told = [
    decisionText({ from: slots(16), to: slots(32), why: "waits" }),
    decisionText({ from: slots(4), to: lanes, why: "lanes ready" }),
    decisionText({ from: lanes, to: { ...lanes, slots: 4 }, why: "waits" }),
    decisionText({ from: ONE, to: ONE, why: "stays", detail: "item 1: it\x1b[1m is a Point" }),
  ];
  assertEquals(told.slice(0, 3), [
    "slots 16 → 32: tasks wait",
    "4 slots → 2 lanes of 1 slot: lanes have started",
    "slots per lane 1 → 4: tasks wait",
  ]);
  assertEquals(told[3]!.startsWith("1 slot: tasks can't go to lanes (item 1: it"), true);
  assertEquals(told[3]!.includes("\x1b"), false);
});
