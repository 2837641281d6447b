/** How ends of tasks are counted. Which limits follow from them is tested in refusals_test.ts. */

import { assertEquals } from "@std/assert";
import { endsOf } from "../../lib/adaptive/ends.ts";
import type { ItemFailure } from "../../lib/lanes/lane.ts";

const failed = (reason: unknown): ItemFailure[] => [{ offset: 0, ended: "failed", reason }];

Deno.test("retries that fail or are lost are counted apart, and retries that are refused aren't", () => {
  const told = (reason: unknown, isAgain: boolean) => {
    const { refused, lost, failed: failing, again } = endsOf(failed(reason), true, isAgain);
    return { refused, lost, failing, again };
  };
  for (
    const [reason, first] of [
      [new TypeError("error reading a body from connection"), { refused: 1, lost: 1, failing: 0 }],
      [{ status: 500 }, { refused: 0, lost: 0, failing: 1 }],
    ] as const
  ) {
    assertEquals(told(reason, false), { ...first, again: 0 });
    assertEquals(told(reason, true), { refused: 0, lost: 0, failing: 0, again: 1 });
  }
  const refused = { refused: 1, lost: 0, failing: 0, again: 0 };
  assertEquals([false, true].map((isAgain) => told({ status: 429 }, isAgain)), [refused, refused]);
});

Deno.test("failed and late tasks count against the place where they ran, retries too, and refused ones don't", () => {
  const late: ItemFailure = { offset: 0, ended: "timed-out", reason: new Error("late") };
  const unwell = [false, true].flatMap((isAgain) =>
    [failed({ status: 500 }), [late], failed({ status: 429 })].map((failures) =>
      endsOf(failures, true, isAgain).unwell
    )
  );
  assertEquals(unwell, [1, 1, 0, 1, 1, 0]);
});
