import { assert, assertEquals } from "@std/assert";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { fairCount, planFor, withOthers } from "../../../lib/advice/race/race_plan.ts";
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

Deno.test("fairCount() takes as many first items as have the sample's mean, if that is not far below the plan", () => {
  const probed = probedOf({ waitMs: 20, items: 60 });
  const count = (isDear: (place: number) => boolean, planned: number) => {
    const stretches = probed.stretches.map((of, place) => ({
      ...of,
      wallMs: isDear(place) ? 220 : 20,
    }));
    return fairCount(sampleOf({ ...probed, stretches }), planned, 60);
  };
  assertEquals(count(() => false, 20), 20);
  // Every tenth is dear, and the last two planned ones are so too.
  assertEquals(count((place) => place % 10 === 4 || place === 18 || place === 19, 20), 16);
  // Nothing much below what was planned is worth it.
  assertEquals(count((place) => place >= 10 && place < 20, 20), 15);
  assertEquals(count((place) => place === 59, 60), 60);
});
