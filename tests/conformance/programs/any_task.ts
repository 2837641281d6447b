/** Runs the default export of a module on one item. Arguments: the model, the module's path or URL. */

import * as lanes from "../../../lib/mod.ts";

const [model, path] = Deno.args as [lanes.Model, string];
await using executor = lanes[model]({ ...(model === "processes" && { stderr: "keep" }) } as never);
const module = URL.canParse(path) ? path : new URL(path, "file:").href;
const task: lanes.Task<unknown> = { module, export: "default" };
const [outcome] = await executor.mapSettled(task, [1]).toArray();
console.log(outcome!.status === "fulfilled" ? String(outcome!.value) : String(outcome!.reason));
