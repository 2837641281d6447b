import { assert } from "@std/assert";
import { stripAnsiCode } from "@std/fmt/colors";
import stringWidth from "string-width";
import { renderText } from "../../../lib/report/terminal/text.ts";
import { cpuComparison, hostileResult, ioComparison, resultOf } from "../fixture.ts";

for (const columns of [80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;
    Deno.test(`the whole report at ${how}`, async (t) => {
      await t.assertSnapshot(renderText(resultOf(cpuComparison()), { columns, colour }));
    });
  }
}

Deno.test("the report of hostile text", async (t) => {
  await t.assertSnapshot(renderText(hostileResult(), { columns: 80, colour: false }));
});

Deno.test("the report says the same with and without colour", () => {
  for (const result of [resultOf(ioComparison(), cpuComparison()), hostileResult()]) {
    const colourful = renderText(result, { columns: 80, colour: true });
    const plain = renderText(result, { columns: 80, colour: false });
    assert(stripAnsiCode(colourful) === plain);
  }
});

Deno.test("no line of the report is wider than the terminal, but for words that are", () => {
  for (const columns of [40, 60, 80, 120]) {
    const result = resultOf(ioComparison(), cpuComparison());
    for (const line of renderText(result, { columns, colour: true }).split("\n")) {
      assert(stringWidth(line) <= columns, line);
    }
  }
});

Deno.test("without colour nothing in the report obeys to a terminal", () => {
  const text = renderText(hostileResult(), { columns: 80, colour: false });
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text));
});

Deno.test("a report of nothing says so", () => {
  assert(
    renderText(resultOf(), { columns: 80, colour: false }).startsWith("Nothing was measured."),
  );
});

Deno.test("a partial report says so", () => {
  const result = { ...resultOf(ioComparison()), partial: true };
  assert(renderText(result, { columns: 80, colour: false }).includes("\nPartial: "));
});
