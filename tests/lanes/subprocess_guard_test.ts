import { assertEquals, assertStringIncludes } from "@std/assert";
import { granted } from "../granted.ts";

const CODE = `
  import { writeParts } from ${
  JSON.stringify(new URL("../../lib/lanes/subprocess_guard.ts", import.meta.url).href)
};
  const bytes = (text) => new TextEncoder().encode(text);
  for (const name of ["log", "info", "debug", "warn", "error", "dir", "dirxml", "table", "trace"]) {
    console[name]([name]);
  }
  console.group("group");
  console.count("count");
  console.time("time");
  console.timeLog("time");
  console.timeEnd("time");
  console.assert(false, "assert");
  Deno.stdout.writeSync(bytes("sync "));
  await Deno.stdout.write(bytes("async "));
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(bytes("stream "));
  process.stdout.write("node ");
  writeParts([bytes("fra"), new Uint8Array(0), bytes("me "), new Uint8Array(1 << 20).fill(46)]);
`;

Deno.test({
  name: "whatever a task prints goes to stderr; stdout holds frames and nothing else, whole",
  ignore: !granted("run", "read"),
  async fn() {
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        `data:text/javascript,${encodeURIComponent(CODE)}`,
      ],
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 0, said);
    assertEquals(new TextDecoder().decode(stdout), "frame " + ".".repeat(1 << 20));
    for (const word of ["log", "table", "group", "sync", "async", "stream", "node"]) {
      assertStringIncludes(said, word);
    }
  },
});
