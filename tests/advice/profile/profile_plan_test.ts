import { assert, assertEquals } from "@std/assert";
import { profiled, profilePlan } from "../../../lib/advice/profile/profile_plan.ts";
import { probedOf, sampleFor } from "../fixture.ts";
import { PROFILE } from "./fixture.ts";

const computes = sampleFor({ items: 100, computeMs: 20 });

Deno.test("profilePlan() takes a part of the sample from end to end", () => {
  const plan = profilePlan(computes, false, 30_000);
  assert(plan !== undefined && !("missing" in plan));
  assertEquals([plan.limit, plan.stride], [100, 2]);
  assert(plan.targetMs < 0.5 * computes.tasksMs && plan.guardMs <= 30_000);
});

Deno.test("profilePlan() runs one task at least, however long", () => {
  const plan = profilePlan(sampleFor({ items: 2, computeMs: 3000 }), false, 30_000);
  assert(plan !== undefined && !("missing" in plan) && plan.targetMs >= 2900);
});

Deno.test("profilePlan() has nothing to show of tasks that wait, nor of small jobs", () => {
  assertEquals(profilePlan(sampleFor({ computeMs: 1, waitMs: 20 }), false, 30_000), undefined);
  assertEquals(profilePlan(computes, true, 30_000), undefined);
});

Deno.test("profilePlan() shows nothing where programs or other threads compute", () => {
  const plan = profilePlan({ ...computes, loopMs: 0.1 * computes.cpuMs }, false, 30_000);
  assert(plan !== undefined && "missing" in plan && plan.missing.includes("programs"));
});

Deno.test("profilePlan() keeps to the budget, and says so", () => {
  const plan = profilePlan(computes, false, 700);
  assertEquals(plan, { missing: "no time was left; a larger --budget shows it" });
});

Deno.test("profiled() says why there is no profile of a sample that was cut off", async () => {
  const take = () => Promise.resolve(PROFILE);
  const time = { small: false, leftMs: 30_000 };
  const whole = probedOf({});
  assertEquals(await profiled(computes, whole, time, { take }), PROFILE);
  assertEquals(await profiled(computes, { ...whole, done: undefined }, time, { take }), {
    missing: "the sample was cut off",
  });
  assertEquals(await profiled(computes, whole, time, { take: undefined }), undefined);
});
