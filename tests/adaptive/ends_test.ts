/** What is told of how tasks ended. What follows is told by refusals_test.ts. */

import { assertEquals } from "@std/assert";
import { endsOf, Failures } from "../../lib/adaptive/ends.ts";
import type { Failure } from "../../lib/lanes/lane.ts";

const failed = (reason: unknown): Failure[] => [{ offset: 0, ended: "failed", reason }];

Deno.test("what fails or is lost again is set aside, what is refused again isn't", () => {
  const told = (reason: unknown, isAgain: boolean) => {
    const { refused, lost, failed: failing, aside } = endsOf(failed(reason), true, isAgain);
    return { refused, lost, failing, aside };
  };
  for (
    const [reason, first] of [
      [new TypeError("error reading a body from connection"), { refused: 1, lost: 1, failing: 0 }],
      [{ status: 500 }, { refused: 0, lost: 0, failing: 1 }],
    ] as const
  ) {
    assertEquals(told(reason, false), { ...first, aside: 0 });
    const again = { refused: 0, lost: 0, failing: first.failing, aside: 1 };
    assertEquals(told(reason, true), again);
  }
  const refused = { refused: 1, lost: 0, failing: 0, aside: 0 };
  assertEquals([false, true].map((isAgain) => told({ status: 429 }, isAgain)), [refused, refused]);
});

Deno.test("what fails again tells with few slots that it fails anyway, with many that none is refused", () => {
  const failures = new Failures();
  failures.judge(100, {}, 4);
  for (let time = 0; time < 100; time++) {
    assertEquals(failures.judge(1, { aside: 1 }, 50), { aside: 1 });
  }
  assertEquals(failures.areAnyway, false);
  for (let time = 0; time < 2; time++) failures.judge(1, { aside: 1 }, 1);
  assertEquals(failures.areAnyway, true);
});
