import { assertEquals, assertRejects } from "@std/assert";
import fc from "../properties.ts";
import { picture } from "../../lib/tasks/picture.ts";

interface PngChunk {
  type: string;
  data: Uint8Array<ArrayBuffer>;
  crc: number;
}

function chunksOf(png: Uint8Array<ArrayBuffer>): PngChunk[] {
  assertEquals([...png.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(png.buffer);
  const chunks: PngChunk[] = [];
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    chunks.push({
      type: new TextDecoder().decode(png.subarray(at + 4, at + 8)),
      data: png.slice(at + 8, at + 8 + length),
      crc: view.getUint32(at + 8 + length),
    });
    at += 12 + length;
  }
  return chunks;
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("picture() writes a PNG that holds exactly the pixels", async () => {
  const rows = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(
    ([width, height]) =>
      fc.array(fc.uint8Array({ minLength: width, maxLength: width }), {
        minLength: height,
        maxLength: height,
      }),
  );
  await fc.assert(
    fc.asyncProperty(rows, async (rows) => {
      const chunks = chunksOf(await picture(rows));
      assertEquals(chunks.map(({ type }) => type), ["IHDR", "tEXt", "PLTE", "IDAT", "IEND"]);
      const [header, , palette, data] = chunks.map(({ data }) => data);
      const view = new DataView(header!.buffer);
      assertEquals([view.getUint32(0), view.getUint32(4)], [rows[0]!.length, rows.length]);
      assertEquals([...header!.subarray(8)], [8, 3, 0, 0, 0]);
      assertEquals(palette!.length, 3 * 256);
      assertEquals(
        [...await inflated(data!)],
        rows.flatMap((row) => [0, ...row]),
      );
    }),
    { numRuns: 30 },
  );
});

Deno.test("picture() is black for 0, and its other colours go once around, from night blue on", async () => {
  const palette = chunksOf(await picture([Uint8Array.of(1)])).find(({ type }) => type === "PLTE");
  const colour = (of: number) => [...palette!.data.subarray(3 * of, 3 * of + 3)];
  const blue = [0, 16, 140];
  assertEquals([colour(0), colour(1), colour(255)], [[0, 0, 0], blue, [0, 15, 139]]);
  // The colour is a quarter of the way at a sixteenth of the steps, and half of it at a quarter of them.
  const [quarter, half] = [colour(17), colour(65)];
  assertEquals([quarter[0]! > 120 && quarter[0]! < 135, half[0]! > 250], [true, true]);
});

Deno.test("picture() sums its chunks as PNG wants it", async () => {
  const end = chunksOf(await picture([Uint8Array.of(1)])).at(-1)!;
  // Every PNG file ends with these four bytes.
  assertEquals([end.type, end.crc], ["IEND", 0xae426082]);
});

Deno.test("picture() paints the inside of the set black and nothing else", async () => {
  const chunks = chunksOf(await picture([Uint8Array.of(1)]));
  const palette = chunks.find(({ type }) => type === "PLTE")!.data;
  const black = Array.from({ length: 256 }, (_, colour) => colour)
    .filter((colour) => palette.subarray(3 * colour, 3 * colour + 3).every((part) => part === 0));
  assertEquals(black, [0]);
});

Deno.test("picture() refuses rows that make no rectangle", async () => {
  await assertRejects(() => picture([]), RangeError, "without pixels");
  await assertRejects(() => picture([new Uint8Array()]), RangeError, "without pixels");
  await assertRejects(() => picture([new Uint8Array(2), new Uint8Array(3)]), RangeError, "row 1");
});
