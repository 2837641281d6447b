import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Inbox, linesOf, makeMark, MessageReader } from "../../lib/children/child_lines.ts";

function streamOf(chunks: readonly Uint8Array<ArrayBuffer>[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

Deno.test("linesOf() gives the same lines however the bytes arrive", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " "))),
    fc.integer({ min: 1, max: 7 }),
    async (lines, size) => {
      const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
      const chunks = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
      assertEquals(
        await Array.fromAsync(linesOf(streamOf(chunks))),
        lines.map((line) => line.toWellFormed()),
      );
    },
  ));
});

Deno.test("MessageReader finds a message behind and between whatever a task printed", () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), fc.integer({ min: 1 }), (text, value, at) => {
      const mark = makeMark();
      const reader = new MessageReader(mark);
      const noise = text.replaceAll("\n", "");
      const json = JSON.stringify({ type: "x", value });
      const cut = at % json.length;
      assertEquals(reader.take(`${noise}${mark}+${json.slice(0, cut)}`), undefined);
      assertEquals(reader.take(noise), undefined);
      assertEquals<unknown>(reader.take(`${noise}${mark}.${json.slice(cut)}`), JSON.parse(json));
      assertEquals(reader.isMessage(noise), false);
    }),
  );
});

Deno.test("MessageReader takes nothing for a message that is none", () => {
  const mark = makeMark();
  const reader = new MessageReader(mark);
  for (const text of ["", "{", "null", "5", '{"type":5}', "[]"]) {
    assertEquals(reader.take(`${mark}.${text}`), undefined);
  }
  assertEquals(reader.take(`${makeMark()}.{"type":"result"}`), undefined);
});

Deno.test("Inbox tells that the stream ended, though lines are unread", async () => {
  const inbox = new Inbox(streamOf([new TextEncoder().encode("a\nb")]));
  await inbox.ended;
  assertEquals([await inbox.next(), await inbox.next(), await inbox.next()], ["a", "b", undefined]);
});

Deno.test("Inbox waits for a line that comes later", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const inbox = new Inbox(readable);
  const line = inbox.next();
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("late\n"));
  assertEquals(await line, "late");
  await writer.close();
  assertEquals(await inbox.next(), undefined);
});
