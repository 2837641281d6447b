import { assertEquals } from "@std/assert";
import { whoIsServed } from "../../lib/switching/who_is_served.ts";
import { granted } from "../granted.ts";

Deno.test({
  name: "every client has its answer in each way of serving",
  ignore: !granted("read", "net"),
  async fn() {
    const { rows, clients } = await whoIsServed(new AbortController().signal);
    assertEquals(rows.map(({ answered }) => answered), rows.map(() => clients));
    for (const { typicalMs, lastMs } of rows) assertEquals(typicalMs <= lastMs, true);
  },
});
