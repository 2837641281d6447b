import { assertEquals, assertRejects } from "@std/assert";
import fc from "../properties.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { countItems, ItemLines, type LineFormat } from "../../lib/running/item_lines.ts";
import { granted } from "../granted.ts";

function linesOf(text: string, format: LineFormat, size = 1 << 16): ItemLines {
  const bytes = new TextEncoder().encode(text);
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return new ItemLines("items", ReadableStream.from(chunks), format);
}

async function allOf(lines: ItemLines): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let items; (items = await lines.next()).length > 0;) all.push(...items);
  return all;
}

Deno.test("lines are items however the bytes arrive and whatever ends a line", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n]/g, " "))),
    fc.constantFrom("\n", "\r\n"),
    fc.boolean(),
    fc.integer({ min: 1, max: 9 }),
    async (texts, end, ended, size) => {
      const text = texts.join(end) + (ended ? end : "");
      const wanted = texts.map((text) => text.toWellFormed()).filter((text) => text.trim() !== "");
      assertEquals(await allOf(linesOf(text, "text", size)), wanted);
    },
  ));
});

Deno.test("a byte order mark is no part of the first item", async () => {
  assertEquals(await allOf(linesOf("\ufeffa\nb", "text")), ["a", "b"]);
});

Deno.test("a line of JSON is a value", async () => {
  assertEquals(await allOf(linesOf('{"a":1}\n\n"b"\n3', "json")), [{ a: 1 }, "b", 3]);
});

Deno.test("items before a line that isn't JSON are given, then the line is named", async () => {
  const lines = linesOf("1\n2\n\n{", "json");
  assertEquals(await lines.next(), [1, 2]);
  await assertRejects(() => lines.next(), UsageError, "line 4");
});

Deno.test("no more is read than is wanted, and what has come isn't held back for more", async () => {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode(`${++pulled}\n`));
    },
  }, { highWaterMark: 0 });
  await using lines = new ItemLines("items", stream, "json");
  assertEquals(await lines.next(), [1]);
  assertEquals(pulled, 1);
  assertEquals(await lines.next(), [2]);
});

Deno.test("a number that JavaScript would change is refused, with its line", async () => {
  for (const number of ["1e999", "12345678901234567890", "-9007199254740993"]) {
    await using lines = linesOf(`1\n{"id":${number}}\n`, "json");
    assertEquals(await lines.next(), [1]);
    const error = await assertRejects(() => lines.next(), UsageError, number);
    assertEquals(error.message.includes("line 2"), true);
  }
  await using kept = linesOf(
    `[18014398509481984, 3.141592653589793, "12345678901234567890"]`,
    "json",
  );
  assertEquals(await kept.next(), [[2 ** 54, Math.PI, "12345678901234567890"]]);
});

Deno.test("bytes that aren't UTF-8 are refused, and no item is changed", async () => {
  const bytes = new Uint8Array([0x61, 0x0a, 0xff, 0xfe, 0x0a]);
  await using lines = new ItemLines("items", ReadableStream.from([bytes]), "text");
  await assertRejects(() => lines.next(), UsageError, "UTF-8");
});

Deno.test("a line that doesn't end is read no further than any line may be long", async () => {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode(pulled++ === 0 ? "a\n" : "xx"));
    },
  }, { highWaterMark: 0 });
  await using lines = new ItemLines("items", stream, "text", 10);
  assertEquals(await lines.next(), ["a"]);
  await assertRejects(() => lines.next(), UsageError, "line 2 is longer than 10 characters");
  assertEquals(pulled, 7);
  // Lines that come with its beginning count too.
  const together = ReadableStream.from([new TextEncoder().encode(`a\nb\n${"x".repeat(11)}`)]);
  await using same = new ItemLines("items", together, "text", 10);
  await assertRejects(() => same.next(), UsageError, "line 3 is longer than 10 characters");
});

Deno.test({
  name: "the items of a file are counted, and a line that is none is named",
  ignore: !granted("read", "write"),
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      const count = async (text: string) => {
        await Deno.writeTextFile(file, text);
        return await countItems("items", file, "json");
      };
      assertEquals([await count(""), await count("1\n\n2\n"), await count("1\n2\n3")], [0, 2, 3]);
      assertEquals(await count("1\n".repeat(100_000)), 100_000);
      await assertRejects(() => count("1\n{\n"), UsageError, "line 2");
    } finally {
      await Deno.remove(file);
    }
  },
});
