import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { switchPage } from "../../../lib/report/switching/switch_page.ts";
import { dots, switchText } from "../../../lib/report/switching/switch_text.ts";
import { switchFile } from "./fixture.ts";

Deno.test("ticks are dots on a time axis", () => {
  const [held, , , thread] = switchFile().whoLetsGo.rows;
  assertEquals(dots(held!, 700, 70), ` ${"•".repeat(10)}${" ".repeat(49)}${"•".repeat(10)}`);
  assertEquals(dots(thread!, 700, 70), ` ${"•".repeat(69)}`);
});

Deno.test("the text fits the terminal, and is plain without colour", () => {
  for (const columns of [80, 100, 160]) {
    const text = switchText(switchFile(), { columns, colour: false });
    for (const line of text.split("\n")) assert([...line].length <= columns, line);
    // deno-lint-ignore no-control-regex
    assertEquals(/\x1b/.test(text), false);
  }
});

Deno.test("text and page tell the experiments that were run, and no others", () => {
  const { whoLetsGo: _, whoseSession: __, ...file } = switchFile();
  const text = switchText(file, { columns: 80, colour: false });
  const page = switchPage(file);
  for (const made of [text, page]) {
    assertStringIncludes(made, "Whose turn was it?");
    assertEquals(/Who lets go|Whose session/.test(made), false);
  }
});

Deno.test("the page has a chart and a table for each experiment, and escapes what was said", () => {
  const page = switchPage(switchFile());
  assertEquals(page.match(/<figure /g)?.length, 3);
  assertEquals(page.match(/<caption>/g)?.length, 3);
  assertStringIncludes(page, "&lt;b&gt;HttpClient&lt;/b&gt;");
  assertEquals(page.includes("<b>HttpClient"), false);
});
