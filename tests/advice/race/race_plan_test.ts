import { assertEquals } from "@std/assert";
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
