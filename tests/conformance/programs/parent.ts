/**
 * A parent with a child that waits, is busy or is idle. Arguments: the gates' address, what the child does, how
 * the parent ends.
 */

import { processes } from "../../../lib/mod.ts";
import { taskNamed } from "../guarantee.ts";

type Then = "wait" | "spin" | "end";
const [url, does, ends] = Deno.args as [string, Then | "spin midway", string];
const executor = processes({ lanes: 1, permissions: { net: ["127.0.0.1"] } });
const then: Then[] = does === "spin midway" ? ["end", "spin", "end"] : [does];
const items = then.map((then) => ({ url, then }));
const results = executor.mapSettled(taskNamed("announce"), items, { chunk: 3 }).toArray();
results.catch(() => {});
if (does === "end") await results;
else await fetch(`${url}/started`).then((response) => response.text());
await fetch(`${url}/parent`).then((response) => response.text());
switch (ends) {
  case "throw":
    setTimeout(() => {
      throw new Error("on purpose");
    });
    break;
  case "reject":
    Promise.reject(new Error("on purpose"));
    break;
  case "exit":
    Deno.exit(9);
}
await new Promise((resolve) => setTimeout(resolve, 3_600_000));
