import { assert, assertEquals } from "@std/assert";
import {
  code,
  documentOf,
  environmentLine,
  footnote,
  heading,
  inTerminal,
  lines,
  paragraph,
  partialNote,
  points,
  together,
} from "../../lib/report/document.ts";
import { resultOf } from "./fixture.ts";

const STYLE = { columns: 24, colour: false };

Deno.test("a document tells the same in a terminal and as Markdown, and empty blocks leave no gap", () => {
  const blocks = documentOf([
    together(heading("a | b"), paragraph("one\x1b[2J two")),
    paragraph(""),
    lines([]),
    points("none", []),
    lines(["b", "1. c"]),
    points("why", ["because of what follows from it"]),
    inTerminal(() => "~~~"),
    partialNote(false),
  ]);
  assertEquals(
    blocks.text(STYLE),
    "a | b\none two\n\nb\n1. c\n\nwhy\n  • because of what\n    follows from it\n\n~~~",
  );
  assertEquals(
    blocks.markdown(),
    "### a &#124; b\n\none two\n\n- b\n- 1&#46; c\n\n#### why\n\n- because of what follows from it",
  );
});

Deno.test("code's fence is longer than any within it, and at least three signs long", () => {
  assertEquals(code(["a"]).markdown(), "```ts\na\n```");
  assertEquals(code(["````"]).markdown(), "`````ts\n````\n`````");
  assertEquals(code(["a", "", "b"], "  ").text(STYLE), "  a\n\n  b");
});

Deno.test("a report ends with whether it is partial and its machine", () => {
  const { environment } = resultOf();
  const noted = { ...environment, notes: ["a <proxy>"] };
  const end = documentOf([partialNote(true), footnote(noted, ["before"], ["behind"])]);
  const [partial, foot, ...rest] = end.markdown().split("\n\n");
  assertEquals(partial, "**Partial:** the run was interrupted.");
  assertEquals(foot!.endsWith("; Note: a &#60;proxy&#62;</sub>"), true, foot);
  assertEquals(rest, []);
  const text = end.text({ ...STYLE, columns: 1000 }).split("\n");
  assertEquals([text[0]!.startsWith("Partial: "), text[2], text.at(-1)], [
    true,
    "before",
    "behind",
  ]);
});

Deno.test("the environment is one line, with a start that isn't a date as it is", () => {
  const { environment } = resultOf();
  assertEquals(
    environmentLine({ ...environment, cpuModel: "Some CPU" }),
    "Deno 2.9.6, linux x86_64, 2 CPUs (Some CPU), load 0.42, seed 42, 2026-01-02 03:04 UTC",
  );
  const { seed: _, ...machine } = environment;
  assert(!environmentLine(machine).includes("seed"));
  assert(environmentLine({ ...environment, startedAt: "long\nago" }).endsWith(", long ago"));
});
