import { assertEquals } from "@std/assert";
import { grantedAll } from "../granted.ts";
import { missingHere, threadPermissions } from "../../lib/lanes/permissions.ts";

Deno.test("a thread is given what is allowed, and nothing else of what this program has", () => {
  assertEquals(threadPermissions({ net: ["127.0.0.1"], read: true }), {
    net: ["127.0.0.1"],
    read: true,
    write: false,
    env: false,
    sys: false,
    run: false,
    ffi: false,
    import: "inherit",
  });
  assertEquals(Object(threadPermissions({ import: ["a.example"] })).import, ["a.example"]);
});

Deno.test({
  name: "what this program lacks itself is named, all of a kind or an entry",
  ignore: !grantedAll(),
  permissions: { read: ["/tmp"], net: false, sys: ["hostname"] },
  fn() {
    assertEquals(missingHere({}), undefined);
    assertEquals(missingHere({ read: ["/tmp"], sys: ["hostname"], net: false }), undefined);
    assertEquals(missingHere({ read: ["/tmp", "/etc"] }), { kind: "read", entry: "/etc" });
    assertEquals(missingHere({ net: true }), { kind: "net", entry: undefined });
    assertEquals(missingHere({ sys: ["no such thing"] }), { kind: "sys", entry: "no such thing" });
  },
});
