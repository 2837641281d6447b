import { assert } from "@std/assert";
import stringWidth from "fast-string-width";
import { renderChanges } from "../../../lib/report/comparison/changes_report.ts";
import type { Change } from "../../../lib/timing/compare_results.ts";
import { differenceOf } from "../../../lib/timing/interval.ts";
import { HOSTILE } from "../fixture.ts";

function changeOf(model: string, median: number, tooSlow = false): Change {
  const ratio = { median, low: median * 0.96, high: median * 1.04 };
  return {
    job: "download 160 pages",
    model,
    oldMs: { median: 1000, low: 990, high: 1010 },
    newMs: { median: 1000 * median, low: 990 * median, high: 1010 * median },
    ratio,
    verdict: differenceOf(ratio),
    tooSlow,
  };
}

const CHANGES = [
  changeOf("sequential", 1.01),
  changeOf("concurrent", 1.31, true),
  changeOf("limited", 1.06),
  changeOf("workers", 0.7),
];

for (const columns of [40, 60, 80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;
    Deno.test(`what changed at ${how}`, async (t) => {
      const warnings = ["The results come from different versions of Deno: 2.9.6 and 2.10.0."];
      const text = renderChanges({ changes: CHANGES, warnings }, 0.1, {
        columns,
        colour,
      });
      for (const line of text.split("\n")) assert(stringWidth(line) <= columns, line);
      await t.assertSnapshot(text);
    });
  }
}

Deno.test("nothing slower than allowed is said so", () => {
  const text = renderChanges({ changes: CHANGES.slice(2), warnings: [] }, 0.1, {
    columns: 80,
    colour: false,
  });
  assert(text.endsWith("Nothing is detectably slower than the 10% allowed."), text);
});

Deno.test("shares are told so that the greater one looks greater", () => {
  const told = (allowed: number, median: number) =>
    renderChanges({ changes: [changeOf("limited", median, true)], warnings: [] }, allowed, {
      columns: 200,
      colour: false,
    });
  assert(
    told(0.025, 1.031).endsWith(
      "Slower than the 2.5% allowed: limited by 3.1% (download 160 pages).",
    ),
  );
  assert(
    told(0.1, 1.104).endsWith(
      "Slower than the 10% allowed: limited by 10.4% (download 160 pages).",
    ),
  );
});

Deno.test("hostile names stay inert in what changed", () => {
  const changes = HOSTILE.map((model) => ({ ...changeOf(model, 2, true), job: model }));
  const text = renderChanges({ changes, warnings: [...HOSTILE] }, 0.1, {
    columns: 80,
    colour: false,
  });
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text));
});

Deno.test("what fails has no ratio, and isn't passed over where the others are fast enough", () => {
  const fails: Change = { ...changeOf("workers", 0.1), verdict: "fails more now" };
  const style = { columns: 80, colour: false };
  const told = (changes: Change[]) => renderChanges({ changes, warnings: [] }, 0.1, style);
  const both = told([CHANGES[0]!, fails]);
  assert(
    both.endsWith(
      "More fails than before: workers (download 160 pages). Of the others nothing is\n" +
        "detectably slower than the 10% allowed.",
    ),
    both,
  );
  assert(!/0\.10/.test(both), both);
  assert(told([fails]).endsWith("No times can be compared."));
});
