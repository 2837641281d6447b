import { assert, assertEquals } from "@std/assert";
import { planFor, withOthers } from "../../../lib/advice/race/race_plan.ts";
import { JOB } from "../../timing/fake.ts";
import { MACHINE, probedOf } from "../fixture.ts";

Deno.test("withOthers() takes down who came after the sample, and forgets none who was there", () => {
  const planned = planFor(
    probedOf({ computeMs: 10 }),
    MACHINE,
    { items: undefined, job: JOB },
    30_000,
  );
  const of = (used: number) => ({ used, cores: 2 });
  const busy = withOthers(planned, of(1.5));
  assertEquals(busy.sample.others, of(1.5));
  assertEquals(withOthers(busy, of(0.5)).sample.others, of(1.5));
  assertEquals(withOthers(planned, undefined), planned);
});

Deno.test("planFor() takes what the budget leaves for a few long items, where three runs buy no race", () => {
  const few = probedOf({ waitMs: 3000, items: 2 });
  const planFew = (leftMs: number) =>
    planFor(few, MACHINE, { items: undefined, job: JOB }, leftMs).plan;
  assertEquals(planFew(3000), null);
  assert((planFew(60_000)?.rounds ?? 0) >= 1);
});
