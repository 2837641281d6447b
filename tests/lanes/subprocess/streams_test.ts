import { assertEquals, assertStringIncludes } from "@std/assert";
import { granted } from "../../granted.ts";

const MODULE = new URL("../../../lib/lanes/subprocess/streams.ts", import.meta.url).href;

/** A program that prints and reads in every way that a task may, and then writes a frame in two parts. */
const CODE = `
  import { frames } from ${JSON.stringify(MODULE)};
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
  const nothing = new Uint8Array(1);
  console.error(JSON.stringify({
    read: await Deno.stdin.read(nothing),
    readSync: Deno.stdin.readSync(nothing),
    readable: await new Response(Deno.stdin.readable).text(),
    prompt: prompt("?"),
    confirm: confirm("?"),
    alert: alert("!") ?? null,
  }));
  const all = new Uint8Array(6);
  let read = await frames.read(all.subarray(0, 2));
  while (read < 6) read += frames.readSync(all.subarray(read));
  const end = [await frames.read(all), frames.readSync(all)];
  for (const part of [all, bytes(JSON.stringify(end)), new Uint8Array(1 << 20).fill(46)]) {
    for (let at = 0; at < part.length;) at += frames.writeSync(part.subarray(at));
  }
`;

Deno.test({
  name: "a task reads nothing and prints to stderr, whatever it does; frames come through whole",
  ignore: !granted("run", "read"),
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        `data:text/javascript,${encodeURIComponent(CODE)}`,
      ],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("frame "));
    await writer.close();
    const { stdout, stderr, code } = await child.output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 0, said);
    assertEquals(new TextDecoder().decode(stdout), "frame [null,null]" + ".".repeat(1 << 20));
    for (
      const word of ["log", "warn", "dir", "table", "trace", "group", "count", "time", "assert"]
    ) assertStringIncludes(said, word);
    for (const word of ["sync", "async", "stream", "node"]) assertStringIncludes(said, `${word} `);
    const nothing = { read: null, readSync: null, readable: "", prompt: null };
    assertStringIncludes(said, JSON.stringify({ ...nothing, confirm: false, alert: null }));
  },
});

Deno.test({
  name: "a descriptor takes and gives what is larger than node:fs takes at a time",
  ignore: !granted("run", "read") || Deno.build.os === "windows",
  async fn() {
    const code = `
      import { openSync } from "node:fs";
      import { openDescriptors } from ${JSON.stringify(MODULE)};
      const much = new Uint8Array(2 ** 31 + 1);
      const [file, sink] = [openSync(Deno.args[0], "r"), openSync("/dev/null", "w")];
      const { read, readSync, writeSync } = await openDescriptors(file, sink);
      const counts = [await read(much) + (readSync(much) ?? 0), writeSync(much)];
      console.error(JSON.stringify(counts));
    `;
    const file = new URL(import.meta.url).pathname;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--allow-read",
        "--allow-write=/dev/null",
        `data:text/javascript,${encodeURIComponent(code)}`,
        file,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const { size } = await Deno.stat(file);
    assertEquals(new TextDecoder().decode(stderr), `[${size},${2 ** 30}]\n`);
  },
});
