/** Blurs 48 grey pictures: the task computes, and a picture is sent each way. */

/** The job's name in reports. */
export const title = "blur pictures";

const PICTURES = 48;
const SIDE = 640;
const REACH = 2;

/** The pictures, each a gradient with stripes. */
export function* items(): Generator<Uint8Array> {
  for (let picture = 0; picture < PICTURES; picture++) {
    yield Uint8Array.from({ length: SIDE * SIDE }, (_, at) => (at * (picture + 3)) >> 5);
  }
}

function meanAround(pixels: Uint8Array, x: number, y: number): number {
  let sum = 0;
  for (let dy = -REACH; dy <= REACH; dy++) {
    const row = Math.min(SIDE - 1, Math.max(0, y + dy)) * SIDE;
    for (let dx = -REACH; dx <= REACH; dx++) {
      sum += pixels[row + Math.min(SIDE - 1, Math.max(0, x + dx))]!;
    }
  }
  return sum / (2 * REACH + 1) ** 2;
}

/** Blurs a picture of grey values: each becomes the mean of 25 pixels around it. */
export default function blur(pixels: Uint8Array): Uint8Array {
  const blurred = new Uint8Array(pixels.length);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) blurred[y * SIDE + x] = meanAround(pixels, x, y);
  }
  return blurred;
}
