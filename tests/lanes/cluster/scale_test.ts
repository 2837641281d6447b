import { assert } from "@std/assert";
import { simulate } from "./scale.ts";

Deno.test("a thousand lanes are kept busy by tasks of a second, and by few batches of short ones", () => {
  assert(simulate({ lanes: 1000, itemMs: 1000 }).lanesBusy > 0.9);
  assert(simulate({ lanes: 1000, itemMs: 1, chunk: 1000 }).lanesBusy > 0.9);
});

Deno.test("where tasks are short for so many lanes, the submitter is what breaks first", () => {
  const { lanesBusy, submitterBusy, serverBusy } = simulate({ lanes: 1000, itemMs: 10 });
  assert(submitterBusy > 0.9 && serverBusy < submitterBusy && lanesBusy < 0.2);
});
