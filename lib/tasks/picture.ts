/** Makes a picture from its rows and encodes it as PNG (ISO/IEC 15948, with a palette). */

import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOURS = 256;

function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** Black for 0, inside the set; then from night blue over white and amber and back. */
function palette(): Uint8Array {
  const colours = new Uint8Array(3 * COLOURS);
  const wave = (turn: number, shift: number) => 0.5 - 0.5 * Math.cos(2 * Math.PI * (turn + shift));
  for (let colour = 1; colour < COLOURS; colour++) {
    // Low numbers of steps are common and high ones rare: the square root spreads the common ones.
    const turn = Math.sqrt((colour - 1) / (COLOURS - 1));
    colours[3 * colour] = Math.round(255 * wave(turn, 0));
    colours[3 * colour + 1] = Math.round(255 * wave(turn, 0.08));
    colours[3 * colour + 2] = Math.round(80 + 175 * wave(turn, 0.2));
  }
  return colours;
}

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
    // Each row begins with the number of its filter; 0 means none.
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
    // This text identifies the library's own pictures, so that no other file is overwritten.
    pngChunk("tEXt", new TextEncoder().encode("Software\0Lanes")),
    pngChunk("PLTE", palette()),
    pngChunk("IDAT", deflateSync(pixels)),
    pngChunk("IEND", new Uint8Array()),
  ];
  return await new Blob(parts).bytes();
}
