/** For parent_test.ts, where descriptors are few: a parent, and its child that has none left for what it hears. */

import { MeasuringChild } from "../../lib/children/measuring_child.ts";
import { connectToParent } from "../../lib/children/parent.ts";

const entry = new URL(import.meta.url);
if (Deno.args[0] === "parent") {
  await using child = new MeasuringChild({ entry, order: {}, flags: ["--allow-read"] });
  console.log((await child.next())?.type ?? await child.howItEnded());
} else {
  // The first of them costs descriptors.
  Deno.addSignalListener("SIGINT", () => {});
  const held: Deno.FsFile[] = [];
  try {
    while (true) held.push(Deno.openSync(entry));
  } catch {
    // There are no more.
  }
  const { tell } = await connectToParent();
  tell({ type: "heard" });
  Deno.exit(0);
}
