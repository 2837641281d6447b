import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "../properties.ts";
import { MeasuringChild, MessageReader } from "../../lib/children/measuring_child.ts";
import { Inbox, linesOf, messageLines } from "../../lib/children/parent.ts";
import { closeDescriptors, WITH_DESCRIPTOR } from "../../lib/lanes/subprocess/child.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const entry = new URL("./listening_child.ts", import.meta.url);
const MARK = "\x1e1 ";

Deno.test({
  name: "connectToParent() takes the order, and keeps what tasks print out of the messages",
  ignore,
  async fn() {
    await using child = new MeasuringChild({ entry, order: { greeting: "hello" } });
    assertEquals(await child.next(), { type: "begun", greeting: "hello" } as { type: string });
  },
});

Deno.test({
  name: "connectToParent() aborts its signal at SIGTERM, and the process ends soon after",
  ignore: ignore || Deno.build.os === "windows",
  async fn() {
    await using child = new MeasuringChild({ entry, order: {} });
    await child.next();
    child.stop();
    assertEquals(await child.next(), { type: "ending" });
    assertEquals(await child.next(), undefined);
  },
});

Deno.test({
  name: "connectToParent() aborts its signal when its orders end",
  ignore,
  async fn() {
    const child = new MeasuringChild({ entry, order: {} });
    await child.next();
    const closed = child[Symbol.asyncDispose]();
    assertEquals(await child.next(), { type: "ending" });
    await closed;
  },
});

Deno.test({
  name: "connectToParent() fails without an order",
  ignore,
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", entry.href],
      stdin: "null",
      stderr: "piped",
      ...WITH_DESCRIPTOR,
    }).spawn();
    closeDescriptors(child);
    const { code, stderr } = await child.output();
    assertEquals(code, 1);
    assertStringIncludes(new TextDecoder().decode(stderr), "its orders ended before the first");
  },
});

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
      const reader = new MessageReader(MARK);
      const noise = text.replaceAll("\n", "");
      const json = JSON.stringify({ type: "x", value });
      const cut = at % json.length;
      assertEquals(reader.take(`${noise}${MARK}+${json.slice(0, cut)}`), undefined);
      assertEquals(reader.take(noise), undefined);
      assertEquals<unknown>(reader.take(`${noise}${MARK}.${json.slice(cut)}`), JSON.parse(json));
      assertEquals(reader.isMessage(noise), false);
    }),
  );
});

Deno.test("messageLines() makes lines that a pipe takes in one piece, and that are read again", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  fc.assert(fc.property(text, fc.integer({ min: 0, max: 300 }), (unit, times) => {
    const message = { type: "x", text: unit.toWellFormed().repeat(times) };
    const reader = new MessageReader(MARK);
    const lines = Array.from(messageLines(message, MARK), (line) => {
      assert(line.length <= (Deno.build.os === "linux" ? 4096 : 512));
      return new TextDecoder("utf-8", { fatal: true }).decode(line);
    });
    const read = lines.map((line) => reader.take(line.slice(0, -1)));
    assertEquals(lines.every((line) => line.indexOf("\n") === line.length - 1), true);
    assertEquals(read, [...lines.slice(1).map(() => undefined), message]);
  }));
});

Deno.test("MessageReader takes nothing for a message that is none", () => {
  const reader = new MessageReader(MARK);
  for (const text of ["", "{", "null", "5", '{"type":5}', "[]"]) {
    assertEquals(reader.take(`${MARK}.${text}`), undefined);
  }
  assertEquals(reader.take(`${MARK.replace("1", "2")}.{"type":"result"}`), undefined);
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

Deno.test({
  name: "long messages arrive whole while a thread prints beside them, and so does what it prints",
  ignore,
  async fn() {
    const prints: string[] = [];
    await using child = new MeasuringChild({
      entry: new URL("./printing_child.ts", import.meta.url),
      order: {},
      onPrint: (text) => prints.push(text),
    });
    const texts: string[] = [];
    for (let said = await child.next(); said !== undefined; said = await child.next()) {
      texts.push((said as unknown as { text: string }).text);
    }
    assertEquals(texts, Array.from({ length: 20 }, (_, n) => `${n}é`.repeat(50_000)));
    assertEquals(prints.join(""), `${"printed ".repeat(20)}\n`.repeat(2000));
  },
});
