import { assertStringIncludes } from "@std/assert";
import { awaitCostText } from "../../../lib/report/terminal/await_cost_text.ts";

Deno.test("awaiting every call is said with its ratio and both times", () => {
  const words = awaitCostText({ plainMs: 2.5e-6, awaitedMs: 65e-6 });
  assertStringIncludes(
    words,
    "takes 26.0 times as long as a plain one: 65.0 ns instead of 2.50 ns",
  );
});

Deno.test("awaiting that costs nothing isn't called slower", () => {
  assertStringIncludes(
    awaitCostText({ plainMs: 2e-6, awaitedMs: 2e-6 }),
    "no longer than a plain",
  );
});
