import { decoded, userFolder, userPath } from "../../lib/files/user_files.ts";
import { granted } from "../granted.ts";
import { assertEquals } from "@std/assert";

Deno.test("decoded() skips a byte order mark and heeds what it says", () => {
  const text = "http://a.example/ü\r\n";
  const utf8 = new TextEncoder().encode(text);
  assertEquals(decoded(utf8), text);
  assertEquals(decoded(new Uint8Array([0xef, 0xbb, 0xbf, ...utf8])), text);
  for (const [mark, shift] of [[[0xff, 0xfe], 0], [[0xfe, 0xff], 8]] as const) {
    const units = [...text].flatMap((sign) => {
      const code = sign.charCodeAt(0);
      return shift === 0 ? [code & 255, code >> 8] : [code >> 8, code & 255];
    });
    assertEquals(decoded(new Uint8Array([...mark, ...units])), text);
  }
});

Deno.test("relative files are where their user is, not where the task runs", () => {
  const path = (typed: string) => userPath(typed, "/home/someone");
  assertEquals(path("result.json"), "/home/someone/result.json");
  assertEquals(path("../a/b.json"), "/home/a/b.json");
  assertEquals(path("/tmp/result.json"), "/tmp/result.json");
  assertEquals(path("folder/"), "/home/someone/folder/");
  assertEquals(path(" "), " ");
});

Deno.test({
  name: "their user is where deno task was called",
  // Tests may run under it too, and others run beside this one: the variable is left as it is.
  ignore: !granted("env"),
  fn: () => assertEquals(userFolder(), Deno.env.get("INIT_CWD") ?? "."),
});

Deno.test({
  name: "their user is here where the environment may not be read",
  permissions: "none",
  fn: () => assertEquals(userFolder(), "."),
});
