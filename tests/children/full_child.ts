/** For parent_test.ts: a parent, and a child that has no file descriptors left for its parent's messages. */

import { MeasuringChild } from "../../lib/children/measuring_child.ts";
import { connectToParent } from "../../lib/children/parent.ts";

const entry = new URL(import.meta.url);
if (Deno.args[0] === "parent") {
  await using child = new MeasuringChild({ entry, order: {}, flags: ["--allow-read"] });
  console.log((await child.next())?.type ?? await child.howItEnded());
} else {
  // The first signal listener takes descriptors, so it is added before all others are used up.
  Deno.addSignalListener("SIGINT", () => {});
  const held: Deno.FsFile[] = [];
  try {
    while (true) held.push(Deno.openSync(entry));
  } catch {
    // No descriptor is left.
  }
  const { tell } = await connectToParent();
  tell({ type: "heard" });
  Deno.exit(0);
}
