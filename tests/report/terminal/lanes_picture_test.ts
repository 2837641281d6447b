import { assert, assertEquals } from "@std/assert";
import stringWidth from "string-width";
import { renderLanes } from "../../../lib/report/terminal/lanes_picture.ts";
import { cpuComparison, ioComparison } from "../fixture.ts";

for (const columns of [80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;

    Deno.test(`the lanes of downloads at ${how}`, async (t) => {
      await t.assertSnapshot(renderLanes(ioComparison(), { columns, colour }));
    });

    Deno.test(`the lanes of computing at ${how}`, async (t) => {
      await t.assertSnapshot(renderLanes(cpuComparison(), { columns, colour }));
    });
  }
}

Deno.test("no line of the picture is wider than asked", () => {
  for (const columns of [40, 60, 80, 100, 160]) {
    for (const comparison of [ioComparison(), cpuComparison()]) {
      for (const line of renderLanes(comparison, { columns, colour: true }).split("\n")) {
        assert(stringWidth(line) <= columns, `${columns}: ${line}`);
      }
    }
  }
});

Deno.test("a panel with an axis of its own says how far it is zoomed", () => {
  const text = renderLanes(ioComparison(), { columns: 80, colour: false });
  assert(/concurrent .* zoomed 14\d×/.test(text), text);
  assert(!/sequential .* zoomed/.test(text));
});

Deno.test("models without a timeline are left out", () => {
  const comparison = ioComparison();
  const models = comparison.models.map((model) => ({ ...model, timeline: undefined }));
  assertEquals(renderLanes({ ...comparison, models }, { columns: 80, colour: false }), "");
});
