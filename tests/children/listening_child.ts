/** A child for parent_test.ts that reports its start, waits for its end, and reports that too. */

import { connectToParent } from "../../lib/children/parent.ts";

const { order, tell, signal } = await connectToParent<{ greeting?: string }>();
console.log("what tasks print is no message");
tell({ type: "begun", greeting: order.greeting });
await new Promise((resolve) => signal.addEventListener("abort", resolve));
tell({ type: "ending" });
