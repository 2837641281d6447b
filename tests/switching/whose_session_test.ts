import { assertEquals, assertStringIncludes } from "@std/assert";
import { whoseSession } from "../../lib/switching/whose_session.ts";
import { granted } from "../granted.ts";

Deno.test({
  name:
    "clients that are kept keep connections, one for each page in flight; others cost one a page",
  ignore: !granted("read", "run", "net"),
  async fn() {
    const { rows, refusal, atOnce } = await whoseSession(new AbortController().signal);
    const [each, thread, one] = rows;
    assertEquals(rows.map(({ pages }) => pages), [40, 40, 40]);
    assertEquals([each!.clients, each!.connections], [40, 40]);
    assertEquals(thread!.connections, thread!.clients);
    assertEquals([one!.clients, one!.connections <= atOnce], [1, true]);
    assertStringIncludes(refusal, "HttpClient");
  },
});
