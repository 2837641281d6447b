import { assert, assertEquals } from "@std/assert";
import { environmentLine } from "../../lib/report/foot.ts";
import { resultOf } from "./fixture.ts";

Deno.test("the environment is one line, with a start that isn't a date as it is", () => {
  const { environment } = resultOf();
  assertEquals(
    environmentLine({ ...environment, cpuModel: "Some CPU" }),
    "Deno 2.9.6, linux x86_64, 2 CPUs (Some CPU), load 0.42, seed 42, 2026-01-02 03:04 UTC",
  );
  const { seed: _, ...machine } = environment;
  assert(!environmentLine(machine).includes("seed"));
  assert(environmentLine({ ...environment, startedAt: "long\nago" }).endsWith(", long ago"));
});
