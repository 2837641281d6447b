/**
 * Puts a picture together from its rows and writes it as PNG (ISO/IEC 15948, one byte a pixel with a
 * palette), compressed by the platform's own CompressionStream.
 *
 * @module
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOURS = 256;

/** CRC-32 as PNG wants it (ISO/IEC 15948, annex D), a table entry a byte. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** Black for 0, inside the set; then once around from night blue over white and amber back. */
function palette(): Uint8Array {
  const colours = new Uint8Array(3 * COLOURS);
  const wave = (turn: number, shift: number) => 0.5 - 0.5 * Math.cos(2 * Math.PI * (turn + shift));
  for (let colour = 1; colour < COLOURS; colour++) {
    // Few steps are common and many are rare: the root spreads the common ones.
    const turn = Math.sqrt((colour - 1) / (COLOURS - 1));
    colours[3 * colour] = Math.round(255 * wave(turn, 0));
    colours[3 * colour + 1] = Math.round(255 * wave(turn, 0.08));
    colours[3 * colour + 2] = Math.round(80 + 175 * wave(turn, 0.2));
  }
  return colours;
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Writes a picture as PNG.
 *
 * @param rows The picture's rows from the top, a byte a pixel, all of one length: what the task
 * `mandelbrot` gives.
 * @returns The bytes of a PNG file.
 * @throws {RangeError} If there is no row, no pixel, or the rows differ in length.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 *
 * const png = await picture([Uint8Array.of(0, 1), Uint8Array.of(2, 3)]);
 * console.log(png[1] === "P".charCodeAt(0)); // true
 * ```
 */
export async function picture(rows: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const width = rows[0]?.length ?? 0;
  if (width === 0) throw new RangeError("Cannot write a picture without pixels");
  const pixels = new Uint8Array(rows.length * (1 + width));
  for (const [index, row] of rows.entries()) {
    if (row.length !== width) {
      throw new RangeError(
        `Cannot write the picture: row ${index} has ${row.length} pixels, the first has ${width}`,
      );
    }
    // Each row begins with the number of its filter; 0 stands for none.
    pixels.set(row, index * (1 + width) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, rows.length);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits a pixel, colours from the palette
  const parts = [
    Uint8Array.from(SIGNATURE),
    pngChunk("IHDR", header),
    pngChunk("PLTE", palette()),
    pngChunk("IDAT", await deflated(pixels)),
    pngChunk("IEND", new Uint8Array()),
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
