import { assertEquals, assertStringIncludes } from "@std/assert";
import { runText } from "../../../lib/report/running/run_text.ts";
import { runResult } from "./fixture.ts";

const STYLE = { columns: 80, colour: false };

Deno.test("the summary tells what settled, how fast, what failed and why, and what took longest", () => {
  const text = runText(runResult(), STYLE);
  assertEquals(text.split("\n")[0], "crawl: 120 items in 6.00 s, 20.0/s: 100 succeeded, 20 failed");
  for (
    const words of ["limited (5 slots)", "1,200 were done and 3 had failed before", "HTTP 503"]
  ) {
    assertStringIncludes(text, words);
  }
  assertStringIncludes(text, "item 1300  2.00 s");
  for (const line of text.split("\n")) assertEquals(line.length <= 80, true, line);
});

Deno.test("what comes from outside can't steer the terminal", () => {
  const reasons = [{ reason: "\x1b[2Jx", count: 1, index: 0, message: "a\nb\x1b]0;t\x07" }];
  const job = { name: "\x1b[31mjob", module: "file:///job.ts", export: "default" };
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x1b\x07]/.test(runText(runResult({ reasons, job }), STYLE)), false);
});
