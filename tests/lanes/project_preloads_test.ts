import { assertEquals } from "@std/assert";
import { needsPreload, preloadCode } from "../../lib/lanes/project.ts";

Deno.test("files and modules of the web must be known from the start, data and packages need not", () => {
  assertEquals(["file:///a.ts", "https://a.b/c.ts", "http://a.b/c.ts"].every(needsPreload), true);
  const later = ["data:text/javascript,1", "npm:x", "jsr:@a/b", "node:fs"];
  assertEquals(later.some(needsPreload), false);
});

Deno.test("each module is known once, and none is run before it is wanted", async () => {
  const code = preloadCode(["file:///b%22.ts", "npm:x", "file:///b%22.ts"], [
    "data:text/javascript,1",
  ]);
  assertEquals(
    decodeURIComponent(code),
    `data:text/javascript,import "data:text/javascript,1";()=>import("file:///b%22.ts");`,
  );
  assertEquals({ ...await import(code) }, {});
});
