/**
 * The barest download: fetch, read the body, count its bytes.
 *
 * @module
 */

/**
 * Downloads a page.
 *
 * @param url Its address.
 * @returns The body's length in bytes.
 * @throws {TypeError} If the answer is an error, or none comes.
 */
export default async function fetchPage(url: string): Promise<number> {
  const response = await fetch(url);
  const body = await response.arrayBuffer();
  if (!response.ok) throw new TypeError(`Cannot download ${url}: status ${response.status}`);
  return body.byteLength;
}
