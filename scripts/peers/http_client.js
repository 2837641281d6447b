/**
 * Downloads a page many times with one HTTP client and no library around it, in Deno or in Node.
 * Arguments: the client, the page's address, how many downloads, how many slots, how many downloads
 * before the time is taken, and optionally `load`, with which the reading also tells the time of slow
 * requests, the peak memory, and how many connections there were.
 *
 * The client is `fetch`; `checked`, which does what the library's download task does; or the npm
 * specifier of undici.
 */

import process from "node:process";

const [client, url, count, slots, before, load] = process.argv.slice(2);

/** Returns a function that downloads the page and returns its length in bytes. */
async function opened() {
  if (client === "fetch") {
    return async () => {
      const response = await fetch(url);
      const body = await response.arrayBuffer();
      if (!response.ok) throw new Error(`Cannot download ${url}: status ${response.status}`);
      return body.byteLength;
    };
  }
  if (client === "checked") {
    const { BodySum } = await import("../../lib/tasks/body_sum.ts");
    return async () => {
      const { signal } = new AbortController();
      const response = await fetch(url, { signal });
      if (response.headers.get("content-length") === null) throw new Error("The length is missing");
      const sum = new BodySum();
      sum.add(new Uint8Array(await response.arrayBuffer()));
      if (!response.ok) throw new Error(`Cannot download ${url}: status ${response.status}`);
      const page = { url, status: response.status, bytes: sum.bytes, checksum: sum.checksum() };
      return page.bytes;
    };
  }
  const { Agent, request } = await import(client);
  const dispatcher = new Agent({ connections: Number(slots) });
  return async () => {
    const { statusCode, body } = await request(url, { dispatcher });
    const bytes = (await body.arrayBuffer()).byteLength;
    if (statusCode !== 200) throw new Error(`Cannot download ${url}: status ${statusCode}`);
    return bytes;
  };
}

/**
 * Downloads the page `count` times; returns the bytes of all downloads, and sets the milliseconds of
 * each in `times` if that is given.
 */
async function downloadAll(get, count, times) {
  let next = 0;
  let sum = 0;
  const slot = async () => {
    for (let at = next++; at < count; at = next++) {
      const start = times === undefined ? 0 : performance.now();
      // `sum += await get()` would read the sum before the wait, and lose what other slots add meanwhile.
      const bytes = await get();
      sum += bytes;
      if (times !== undefined) times[at] = performance.now() - start;
    }
  };
  await Promise.all(Array.from({ length: Number(slots) }, slot));
  return sum;
}

const get = await opened();
await downloadAll(get, Number(before));
const times = load === "load" ? new Float64Array(Number(count)) : undefined;
const start = performance.now();
const sum = await downloadAll(get, Number(count), times);
const ms = performance.now() - start;
const more = times && {
  p99Ms: times.sort()[Math.floor(0.99 * times.length)],
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  connections: Number(await (await fetch(new URL("/connections", url))).text()),
};
console.log(JSON.stringify({ items: Number(count), sum: String(sum), ms, ...more }));
process.exit();
