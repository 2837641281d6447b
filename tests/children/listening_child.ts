/** A child for parent_test.ts: says that it has begun, waits for its end, and says that it came. */

import { connectToParent } from "../../lib/children/parent.ts";

const { order, writer, signal } = await connectToParent<{ mark: string; handlesTerm: boolean }>();
console.log("what tasks print is no message");
writer.write({ type: "begun", handles: order.handlesTerm });
await new Promise((resolve) => signal.addEventListener("abort", resolve));
writer.write({ type: "ending" });
