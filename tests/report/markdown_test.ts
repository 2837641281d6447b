import { assertEquals } from "@std/assert";
import { escapeMarkdown } from "../../lib/report/document.ts";

Deno.test("text formats, links and mentions nothing, nor begins a list, a quotation or a rule", () => {
  assertEquals(escapeMarkdown("*a* [b](c) @d #1"), "&#42;a&#42; &#91;b&#93;(c) &#64;d &#35;1");
  assertEquals(escapeMarkdown("https://x www.y"), "https&#58;//x www&#46;y");
  assertEquals(["- a", "+ a", "== a"].map(escapeMarkdown), ["&#45; a", "&#43; a", "&#61;= a"]);
  assertEquals(["1. a", "12) a", "1.5 a"].map(escapeMarkdown), ["1&#46; a", "12&#41; a", "1.5 a"]);
  assertEquals(escapeMarkdown("two\nlines"), "two lines");
});
