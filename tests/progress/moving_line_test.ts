import { assert, assertEquals } from "@std/assert";
import { MovingLine } from "../../lib/progress/moving_line.ts";

/** Draws a line while standard error is another's. */
function drawing(writeSync: (bytes: Uint8Array) => number): void {
  const real = Deno.stderr.writeSync;
  Deno.stderr.writeSync = writeSync;
  try {
    const line = new MovingLine(60, "starting");
    line.show(0.5, "half of it");
    line.end();
  } finally {
    Deno.stderr.writeSync = real;
  }
}

Deno.test("a moving line shows its cursor again at its end", () => {
  let text = "";
  drawing((bytes) => {
    text += new TextDecoder().decode(bytes);
    return bytes.length;
  });
  assert(text.includes("starting"), text);
  assertEquals(text.lastIndexOf("\x1b[?25h") > text.lastIndexOf("\x1b[?25l"), true);
});

Deno.test("a moving line ends no program whose terminal is gone", () => {
  let tried = 0;
  drawing(() => {
    tried++;
    throw new Error("Input/output error (os error 5)");
  });
  assert(tried > 0);
});
