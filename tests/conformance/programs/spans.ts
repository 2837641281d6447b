/**
 * Runs tasks in the named model: downloads of which one fails, a call, a run whose loop is left, one that ends
 * its lanes, and one in a span.
 */

import * as lanes from "../../../lib/mod.ts";
import type { Model } from "../../../lib/mod.ts";

const module = new URL("../tasks.ts", import.meta.url);
const model = Deno.args[0] as Exclude<Model, "cluster">;
const ask = lanes.task<typeof import("../tasks.ts"), "gated">(module, "gated");
const double = lanes.task<typeof import("../tasks.ts"), "double">(module, "double");
await using site = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  () => new Response("page"),
);
const url = `http://127.0.0.1:${site.addr.port}`;
await using executor = model === "processes"
  ? lanes.processes({ lanes: 2, permissions: { net: ["127.0.0.1"] } })
  : lanes[model]();
const items = [url, url, "no address"].map((url, at) => ({ url, key: String(at) }));
const settled = await executor.mapSettled(ask, items).toArray();
await executor.run(ask, { url, key: "call" });
const nap = lanes.task<typeof import("../tasks.ts"), "nap">(module, "nap");
for await (const _ of executor.map(nap, [0, 3_600_000])) break;
const die = lanes.task<typeof import("../tasks.ts"), "die">(module, "die");
// In this event loop the task would end the program.
const dies = model === "workers" || model === "processes";
if (dies) await executor.mapSettled(die, ["exit"], { retries: { limit: 1, baseMs: 0 } }).toArray();

interface Api {
  readonly trace?: {
    getTracer(name: string): {
      startActiveSpan<T>(name: string, fn: (span: { end(): void }) => T): T;
    };
  };
}
const api =
  (globalThis as { [key: symbol]: Api | undefined })[Symbol.for("opentelemetry.js.api.1")];
// The run is created in a span, and starts when that span is no longer active.
const later = api?.trace?.getTracer("test").startActiveSpan("caller", (span) => {
  span.end();
  return executor.map(double, [1]);
});
await later?.toArray();
console.log(settled.map(({ status }) => status).join());
