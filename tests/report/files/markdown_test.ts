import { assert, assertEquals } from "@std/assert";
import { renderMarkdown } from "../../../lib/report/files/markdown.ts";
import { cpuComparison, hostileResult, ioComparison, resultOf } from "../fixture.ts";

Deno.test("Markdown has a table and the verdict for each comparison", async (t) => {
  await t.assertSnapshot(renderMarkdown(resultOf(ioComparison(), cpuComparison())));
});

Deno.test("Markdown of hostile text", async (t) => {
  await t.assertSnapshot(renderMarkdown(hostileResult()));
});

Deno.test("text from outside can't format, link, mention or embed in Markdown", () => {
  // What this file itself writes goes first: the heading's signs, the rule, the foot's tags.
  const text = renderMarkdown(hostileResult()).replaceAll(
    /<\/?sub>|\*\*Partial:\*\*|^###|^- /gm,
    "",
  );
  const cells = text.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(new Set(cells.map((line) => line.split("|").length)).size, 1);
  for (const line of text.split("\n")) {
    const inside = line.startsWith("|") ? line.replaceAll("|", " ") : line;
    assert(!/[<>`*_\[\]@~]|:\/\/|(?<!&)#|^[=+]/.test(inside), inside);
  }
});
