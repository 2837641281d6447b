import { assertEquals } from "@std/assert";
import { permissionFlags } from "../../lib/lanes/subprocess_permissions.ts";

Deno.test("nothing is allowed unless it was told", () => {
  assertEquals(permissionFlags(), []);
  assertEquals(permissionFlags({ net: false, read: [] }), []);
});

Deno.test("an entry with a comma stays one entry", () => {
  assertEquals(permissionFlags({ read: ["/a,b", "/c"], env: true, net: ["h:1"] }), [
    "--allow-net=h:1",
    "--allow-read=/a,,b,/c",
    "--allow-env",
  ]);
});
