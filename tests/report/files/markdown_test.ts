import { assertEquals } from "@std/assert";
import {
  escapeMarkdown,
  markdownCode,
  markdownList,
  markdownReport,
} from "../../../lib/report/files/markdown.ts";
import { resultOf } from "../fixture.ts";

Deno.test("text formats, links and mentions nothing, nor begins a list, a quotation or a rule", () => {
  assertEquals(escapeMarkdown("*a* [b](c) @d #1"), "&#42;a&#42; &#91;b&#93;(c) &#64;d &#35;1");
  assertEquals(escapeMarkdown("https://x www.y"), "https&#58;//x www&#46;y");
  assertEquals(["- a", "+ a", "== a"].map(escapeMarkdown), ["&#45; a", "&#43; a", "&#61;= a"]);
  assertEquals(["1. a", "12) a", "1.5 a"].map(escapeMarkdown), ["1&#46; a", "12&#41; a", "1.5 a"]);
  assertEquals(escapeMarkdown("two\nlines"), "two lines");
});

Deno.test("code's fence is longer than any within it, and at least three signs long", () => {
  assertEquals(markdownCode(["a"]), "```ts\na\n```");
  assertEquals(markdownCode(["````"]), "`````ts\n````\n`````");
});

Deno.test("a report leaves out empty parts, and ends with whether it is partial and its machine", () => {
  const { environment } = resultOf();
  const noted = { ...environment, notes: ["a <proxy>"] };
  const parts = ["### a", "", markdownList([]), markdownList(["b", "1. c"])];
  const [title, list, partial, foot, ...rest] = markdownReport(parts, {
    environment: noted,
    partial: true,
  }).split("\n\n");
  assertEquals([title, list], ["### a", "- b\n- 1&#46; c"]);
  assertEquals(partial, "**Partial:** the run was interrupted.");
  assertEquals(foot!.endsWith("; Note: a &#60;proxy&#62;</sub>\n"), true, foot);
  assertEquals(rest, []);
  assertEquals(markdownReport(["a"], { environment }).split("\n\n").length, 2);
});
