/** A child for parent_test.ts: says that it has begun, waits for its end, and says that it came. */

import { meetParent } from "../../lib/children/parent.ts";

const { order, writer, signal } = await meetParent<{ mark: string; heedsTerm: boolean }>();
console.log("what tasks print is no message");
writer.write({ type: "begun", heeds: order.heedsTerm });
await new Promise((resolve) => signal.addEventListener("abort", resolve));
writer.write({ type: "ending" });
