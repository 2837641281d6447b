import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import fc from "../properties.ts";
import { MeasuringChild } from "../../lib/children/measuring_child.ts";
import { Inbox, lineOf, linesOf } from "../../lib/children/parent.ts";
import { closeDescriptors, withDescriptors } from "../../lib/lanes/subprocess/child.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const entry = new URL("./listening_child.ts", import.meta.url);

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
  name: "a child hears and speaks where its tasks leave no descriptor free",
  ignore: ignore || Deno.build.os === "windows",
  async fn() {
    const file = fileURLToPath(new URL("./full_child.ts", import.meta.url));
    const command = '"$0" run --quiet --no-check --allow-all "$1" parent';
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", `ulimit -n 100; exec ${command}`, Deno.execPath(), file],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "heard\n", new TextDecoder().decode(stderr));
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
      ...withDescriptors(),
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

Deno.test("an Inbox has what lineOf() wrote, up to the line that says that there is no more", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.jsonValue()), async (values) => {
    const lines = [...values, undefined, "too late"].map(lineOf);
    const inbox = new Inbox(streamOf(lines));
    const read = [];
    for (let line; (line = await inbox.next()) !== undefined;) read.push(JSON.parse(line));
    assertEquals(read, JSON.parse(JSON.stringify(values)));
  }));
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
  name: "messages arrive whole while a thread prints, and after stdout and stderr were closed",
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
    assertEquals(texts, [
      ...Array.from({ length: 20 }, (_, n) => `${n}é`.repeat(50_000)),
      "all is closed",
    ]);
    assertEquals(prints.join(""), `${"printed ".repeat(20)}\n`.repeat(2000));
  },
});
