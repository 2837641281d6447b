import { assertEquals } from "@std/assert";
import { paletteFor, sentences } from "../../lib/report/terminal.ts";

const narrow = { columns: 12, colour: false };

Deno.test("sentences are wrapped, hang, and steer no terminal", () => {
  assertEquals(
    sentences(["one two three", "four\x1b[2J"], narrow),
    "one two\n  three\nfour",
  );
  assertEquals(sentences(["one two three"], narrow, undefined, ""), "one two\nthree");
  assertEquals(sentences([], narrow, "bad"), "");
});

Deno.test("each line has its colour, only if there is colour, and an empty one has none", () => {
  assertEquals(
    sentences(["one two three"], { ...narrow, colour: true }, "bad"),
    "\x1b[31mone two\x1b[39m\n\x1b[31m  three\x1b[39m",
  );
  assertEquals(sentences(["one"], narrow, "bad"), "one");
  assertEquals(paletteFor({ colour: true }).bad(""), "");
});
