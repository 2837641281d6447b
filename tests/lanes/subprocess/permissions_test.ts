import { assertEquals } from "@std/assert";
import { permissionFlags } from "../../../lib/lanes/subprocess/permissions.ts";

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

Deno.test("each kind can be allowed, and nothing else", () => {
  const all = {
    ffi: true,
    run: ["deno"],
    sys: ["hostname"],
    write: ["/w"],
    net: true,
    other: true,
  };
  assertEquals(permissionFlags(all), [
    "--allow-net",
    "--allow-write=/w",
    "--allow-sys=hostname",
    "--allow-run=deno",
    "--allow-ffi",
  ]);
});
