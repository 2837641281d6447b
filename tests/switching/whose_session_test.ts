import { assertEquals, assertStringIncludes } from "@std/assert";
import { whoseSession } from "../../lib/switching/whose_session.ts";
import { granted } from "../granted.ts";

Deno.test({
  name: "clients that are kept keep their connections; others cost one a page",
  ignore: !granted("read", "run", "net"),
  async fn() {
    const { rows, refusal, atOnce } = await whoseSession(new AbortController().signal);
    const [each, thread, one] = rows;
    assertEquals(rows.map(({ pages }) => pages), [40, 40, 40]);
    assertEquals([each!.clients, each!.connections], [40, 40]);
    assertEquals([thread!.clients <= atOnce, one!.clients], [true, 1]);
    // A pool may open a connection before another is returned, so their number isn't exact.
    for (const { clients, connections, pages } of [thread!, one!]) {
      assertEquals(connections >= clients && connections < pages, true, String(connections));
    }
    assertStringIncludes(refusal, "HttpClient");
  },
});
