import { assert, assertEquals, assertThrows } from "@std/assert";
import { copyOf, faultOf, permissionFlags } from "../../lib/lanes/permissions.ts";

Deno.test("nothing is allowed unless it was told", () => {
  assertEquals(permissionFlags(), []);
  assertEquals(permissionFlags({ net: false, read: [] }), []);
});

Deno.test("lists become one flag each", () => {
  assertEquals(permissionFlags({ read: ["/a", "/c"], env: true, net: ["h:1"] }), [
    "--allow-net=h:1",
    "--allow-read=/a,/c",
    "--allow-env",
  ]);
});

Deno.test("an entry with a comma is refused: it would be taken for two, which allow more", () => {
  assertThrows(() => permissionFlags({ read: ["/a,b"] }), RangeError, "/a,b");
});

Deno.test("permissions that can't be meant are named with their place", () => {
  assertEquals(faultOf({ net: true, read: ["/a"], env: false, run: undefined }), undefined);
  assertEquals(faultOf(undefined), undefined);
  const bad: [unknown, string][] = [
    ["none", "permissions"],
    [null, "permissions"],
    [["/a"], "permissions"],
    [{ reed: true }, "permissions.reed"],
    [{ import: "a.example" }, "permissions.import"],
    [{ read: "/tmp" }, "permissions.read"],
    [{ read: [new URL("file:///tmp")] }, "permissions.read"],
    [{ net: [5] }, "permissions.net"],
    [{ net: [""] }, "permissions.net"],
    [{ write: ["/a,b"] }, "permissions.write"],
    [{ ffi: ["file:///lib"] }, "permissions.ffi"],
  ];
  for (const [permissions, place] of bad) assertEquals(faultOf(permissions)?.[0], place);
});

Deno.test("each kind can be allowed, and nothing else", () => {
  const all = {
    ffi: true,
    import: ["a.example:443"],
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
    "--allow-import=a.example:443",
  ]);
});

Deno.test("a thread may be given what Deno takes for one, and nothing else", () => {
  const url = new URL("file:///tmp");
  for (const good of ["none", "inherit", { import: ["h"] }, { read: [url] }, { net: "inherit" }]) {
    const copy = copyOf(good as Deno.PermissionOptions);
    assertEquals([faultOf(copy, "thread"), copy], [undefined, good]);
  }
  for (const bad of ["nope", { reed: true }, { read: "/tmp" }, { net: [5] }]) {
    assert(faultOf(bad, "thread") !== undefined);
  }
});

Deno.test("relative paths are meant from where the program is when they are given", () => {
  const given = { read: ["a", "/b"], run: ["git", "./tool"], env: ["A"], net: true };
  const here = Deno.cwd();
  assertEquals(copyOf(given), {
    read: [`${here}/a`, "/b"],
    run: ["git", `${here}/./tool`],
    env: ["A"],
    net: true,
  });
});
