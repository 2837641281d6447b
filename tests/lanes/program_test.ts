import { assertEquals } from "@std/assert";
import { programFlags } from "../../lib/lanes/program.ts";
import { granted } from "../granted.ts";
import { importOf, printed, withFiles } from "./small_program.ts";

const CODE = `${importOf("programFlags", "program.ts")} print(programFlags())`;
/** What each program is started with besides. */
const OWN = ["--quiet", "--no-prompt"];

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !granted("run", "read", "write") || Deno.build.os !== "linux", fn });
}

/** Flags as they are given, and as they are seen. */
const cases:
  readonly (readonly [name: string, given: readonly string[], seen: readonly string[]])[] = [
    ["a program sees the flags that stand before its file", ["-A", "--no-lock"], [
      "-A",
      "--no-lock",
    ]],
    [
      "a value that is a word of its own is put behind its flag",
      ["-A", "--location", "http://a.b", "--seed", "4", "--no-lock"],
      ["-A", "--location=http://a.b", "--seed=4", "--no-lock"],
    ],
    [
      "the value of a flag may be a module, which isn't the program",
      ["-A", "--preload", "data:text/javascript,1", "--no-lock"],
      ["-A", "--preload=data:text/javascript,1", "--no-lock"],
    ],
    [
      "what Deno logs is told by a word of its own",
      ["-A", "--log-level", "info", "--no-lock"],
      ["-A", "--log-level=info", "--no-lock"],
    ],
    [
      "a condition is a word of its own",
      ["-A", "--conditions", "development", "--no-lock"],
      ["-A", "--conditions=development", "--no-lock"],
    ],
    [
      "a flag whose value can't be a word of its own leaves the program's file alone",
      ["-A", "--env-file"],
      ["-A", "--env-file"],
    ],
  ];

for (const [name, flags, seen] of cases) {
  test(name, async () => {
    // What stands behind its file is the program's own.
    assertEquals(await printed(CODE, { flags, args: ["--no-config"] }), [...OWN, ...seen]);
  });
}

test("flags are seen without a command too", async () => {
  assertEquals(await printed(CODE, { command: "", flags: ["-A"] }), [...OWN, "-A"]);
});

test("a short flag is known by its long name", async () => {
  await withFiles({ "deno.json": "{}" }, async (folder) => {
    const flags = ["-A", "-c", `${folder}/deno.json`];
    const seen = [...OWN, "-A", `--config=${folder}/deno.json`];
    assertEquals(await printed(CODE, { flags }), seen);
  });
});

test("a program that may not do everything doesn't know its flags", async () => {
  const lib = new URL("../../lib", import.meta.url).pathname;
  for (const flag of [`--allow-read=${lib}`, "--allow-read", "--allow-net"]) {
    assertEquals(await printed(CODE, { flags: [flag, `--allow-import`] }), null);
  }
});

Deno.test("to ask twice gives the same, whatever is known", () => {
  assertEquals(programFlags(), programFlags());
});
