/**
 * The pages of the test site: plain HTML of an exact length, the same in every run.
 *
 * @module
 */

const SENTENCES = [
  "A lane is a place where tasks really run.",
  "A slot is room for one task in flight on a lane.",
  "Slots are concurrency, lanes are parallelism.",
  "What waits gains from slots; what computes gains from lanes.",
  "Add concurrency only where it surely pays.",
];

/**
 * Writes a page.
 *
 * @param number Which page, from 1.
 * @param bytes Its length; a page shorter than its own frame is cut.
 * @returns The page, in ASCII.
 *
 * @example
 * ```ts
 * import { page } from "./pages.ts";
 *
 * console.log(page(1, 10_000).length); // 10000
 * ```
 */
export function page(number: number, bytes: number): Uint8Array<ArrayBuffer> {
  const head =
    `<!DOCTYPE html>\n<html lang="en">\n<title>Page ${number}</title>\n<h1>Page ${number}</h1>\n`;
  const end = "</html>\n";
  const body = new Uint8Array(bytes).fill(0x20);
  const encoder = new TextEncoder();
  let at = encoder.encodeInto(head, body).written;
  for (let line = 0;; line++) {
    const sentence = SENTENCES[(line * number + number) % SENTENCES.length];
    const text = `<p>${number}.${line + 1} ${sentence}</p>\n`;
    if (at + text.length + end.length > bytes) break;
    at += encoder.encodeInto(text, body.subarray(at)).written;
  }
  if (bytes >= at + end.length) encoder.encodeInto(end, body.subarray(bytes - end.length));
  return body;
}
