/** How ends of tasks are counted. Which limits follow from them is tested in refusals_test.ts. */

import { assertEquals } from "@std/assert";
import { endsOf } from "../../lib/adaptive/ends.ts";
import type { ItemFailure } from "../../lib/lanes/lane.ts";

const failed = (reason: unknown): ItemFailure[] => [{ offset: 0, ended: "failed", reason }];

Deno.test("failures say that the server refused, that the task was lost, or nothing", () => {
  const told = (reason: unknown) => {
    const { refused, lost, failed: failing } = endsOf(failed(reason), true, false);
    return [refused, lost, failing];
  };
  const lost = new TypeError("error reading a body from connection");
  assertEquals([{ status: 429 }, lost, { status: 500 }].map(told), [[1, 0, 0], [1, 1, 0], [
    0,
    0,
    1,
  ]]);
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
