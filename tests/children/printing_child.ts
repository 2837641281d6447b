/** A child for parent_test.ts that sends long messages while a thread prints to the same pipe. */

import { writeSync } from "node:fs";
import { connectToParent } from "../../lib/children/parent.ts";

const { tell } = await connectToParent();
const code =
  `for (let n = 0; n < 2000; n++) console.log("printed ".repeat(20)); postMessage("done");`;
const thread = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
const printed = new Promise((resolve) => thread.onmessage = resolve);
for (let n = 0; n < 20; n++) {
  tell({ type: "long", text: `${n}é`.repeat(50_000) });
  await new Promise((resolve) => setTimeout(resolve));
}
await printed;
for (const stream of [Deno.stdin, Deno.stdout, Deno.stderr]) stream.close();
writeSync(4, new TextEncoder().encode("what programs write there\nby chance\n"));
tell({ type: "last", text: "all is closed" });
Deno.exit(0);
