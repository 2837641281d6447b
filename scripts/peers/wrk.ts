/**
 * The most that a server gives: wrk, a client in C that ignores what it receives, runs for two seconds and
 * prints how many pages came. Arguments: address, slots, a page's bytes.
 */

import { connectionsOf, printedBy, report } from "./reading.ts";

const [url = "", slots = "64", bytes = "0"] = Deno.args;
const SECONDS = 2;
const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

const told = await printedBy("wrk", ["-t1", `-c${slots}`, `-d${SECONDS}s`, "--latency", url]);
const [, items = "0"] = / (\d+) requests in /.exec(told) ?? [];
const [, rate = "0"] = /Requests\/sec: +([\d.]+)/.exec(told) ?? [];
const [, p99 = "0", unit = "ms"] = /99% +([\d.]+)(us|ms|s)\b/.exec(told) ?? [];
if (/Non-2xx|Socket errors/.test(told)) throw new Error(`wrk failed: ${told}`);
report({
  items: Number(items),
  sum: Number(items) * Number(bytes),
  ms: Number(items) * 1000 / Number(rate),
  p99Ms: Number(p99) * UNIT_MS[unit]!,
  connections: await connectionsOf(url),
});
