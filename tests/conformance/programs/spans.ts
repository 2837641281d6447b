/** Runs tasks that ask for pages, of which one fails, and a call, in the model that is named. */

import * as lanes from "../../../lib/mod.ts";
import type { Model } from "../../../lib/mod.ts";

const model = Deno.args[0] as Exclude<Model, "cluster">;
const ask = lanes.task<typeof import("../tasks.ts"), "gated">(
  new URL("../tasks.ts", import.meta.url),
  "gated",
);
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
console.log(settled.map(({ status }) => status).join());
