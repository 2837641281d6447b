import { assertEquals, assertInstanceOf } from "@std/assert";
import { stopReason } from "../../lib/dispatch/stop_reason.ts";
import { AbandonedError, CancelledError, TimeoutError } from "../../lib/lanes/errors.ts";

const sent = (why: "timeout" | "cancel") => ({
  piece: { firstIndex: 40 },
  timeoutMs: 300,
  asked: { why },
});

Deno.test("each ending has its class, and names the item and what its task ignored", () => {
  const cases = [
    ["timed-out", "timeout", TimeoutError, "was stopped: its task ignored its deadline of 300 ms"],
    ["cancelled", "cancel", CancelledError, "was stopped: its task ignored that it was cancelled"],
    ["abandoned", "timeout", AbandonedError, "its task ignored its deadline of 300 ms and goes on"],
    ["abandoned", "cancel", AbandonedError, "its task ignored its cancelling and goes on"],
  ] as const;
  for (const [ended, why, Class, says] of cases) {
    const error = stopReason(sent(why), 2, ended);
    assertInstanceOf(error, Class);
    assertEquals([error.message.startsWith("Item 42 "), error.message.includes(says)], [
      true,
      true,
    ]);
  }
});
