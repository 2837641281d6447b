import { assertEquals, assertStringIncludes } from "@std/assert";
import { agreementOf } from "../../lib/timing/agreement.ts";
import { model } from "./fake.ts";

Deno.test("agreementOf() agrees when all checksums are equal", () => {
  const models = [model("sequential", [3, 3]), model("workers", [2, 2])];
  assertEquals(agreementOf(models), { agree: true, warnings: [] });
});

Deno.test("agreementOf() names the model that differs, and in what", () => {
  const { agree, warnings } = agreementOf([
    model("workers", [2, 2], { checksum: "bad" }),
    model("sequential", [3, 3]),
    model("limited", [3], { checksum: "worse", succeeded: 3, failed: 1 }),
  ]);
  assertEquals([agree, warnings.length], [false, 2]);
  assertStringIncludes(warnings[0]!, "workers gave other results than sequential in 2 of 2 rounds");
  assertStringIncludes(warnings[0]!, "their results differ");
  assertStringIncludes(warnings[1]!, "3 succeeded, 1 failed, against 4 succeeded, 0 failed");
});

Deno.test("agreementOf() finds a model that differs from itself", () => {
  const flaky = model("sequential", [3, 3]);
  flaky.rounds[1]!.checksum = "other";
  const { agree, warnings } = agreementOf([flaky]);
  assertEquals(agree, false);
  assertStringIncludes(warnings[0]!, "sequential gave other results in round 2 than in round 1");
});
