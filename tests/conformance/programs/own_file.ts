/** A program whose task is in its own file; the first argument says how it is guarded. */

import { limited, task, workers } from "../../../lib/mod.ts";

export default function double(n: number): number {
  return 2 * n;
}

if (import.meta.main || Deno.args[0] === "unguarded") {
  const isHere = Deno.args[0] === "here";
  await using executor = isHere ? limited() : workers({ lanes: 1 });
  const own = task<typeof import("./own_file.ts")>(import.meta.url);
  const options = isHere ? { loadTimeoutMs: 1_500 } : {};
  const [outcome] = await executor.mapSettled(own, [21], options).toArray();
  console.log(outcome!.status === "fulfilled" ? outcome!.value : String(outcome!.reason));
}
