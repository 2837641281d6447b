import { assertEquals } from "@std/assert";
import { decoded } from "../../lib/files/user_files.ts";

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
