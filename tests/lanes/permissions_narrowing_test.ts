import { assertEquals, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import { checkNarrowing } from "../../lib/lanes/permissions.ts";
import { granted } from "../granted.ts";
import { importOf, printed, withFiles } from "./small_program.ts";

const CODE = `
  ${importOf("checkNarrowing", "permissions.ts")}
  let refused = "";
  try {
    checkNarrowing(false);
  } catch (error) {
    refused = error.name + ": " + error.message;
  }
  print(refused);
`;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted("read", "run", "write") || Deno.build.os !== "linux",
    fn,
  });
}

Deno.test("a caller who says that threads can be narrowed is believed", () => {
  checkNarrowing(true);
});

test("a program that was started with the flag can narrow its threads", async () => {
  const flags = ["-A", "--no-config", "--unstable-worker-options"];
  assertEquals(await printed(CODE, { flags }), "");
});

test("a flag that Deno 2 has given up allows nothing", async () => {
  const refused = await printed(CODE, { flags: ["-A", "--no-config", "--unstable"] }) as string;
  assertStringIncludes(refused, "start this program with it");
});

test("a program that was started without the flag is told to start with it", async () => {
  const refused = await printed(CODE, { flags: ["-A", "--no-config", "--unstable-kv"] }) as string;
  assertStringIncludes(refused, "LaneStartError: ");
  assertStringIncludes(refused, "--unstable-worker-options");
  assertStringIncludes(refused, "start this program with it");
});

test("a program that can't see how it was started is told what it can say", async () => {
  const flags = ["--allow-read", "--no-config", "--unstable-worker-options"];
  const refused = await printed(CODE, { flags }) as string;
  assertStringIncludes(refused, "workers({ unstableWorkerOptions: true, … })");
});

test("a program whose deno.json says so can narrow its threads", async () => {
  for (
    const [config, isRefused] of [
      ['{ "unstable": ["kv", "worker-options"] }', false],
      ['{ "unstable": ["kv"], "tasks": { "a": "worker-options" } }', true],
      ["{}", true],
    ] as const
  ) {
    await withFiles(
      { "deno.json": config, "main.ts": CODE.replace("print(", "console.log(") },
      async (root) => {
        // The program runs from its own file, because the deno.json beside it counts.
        const main = pathToFileURL(`${root}/main.ts`).href;
        const { stdout } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "--quiet", "--no-prompt", "-A", main],
          stdin: "null",
        }).output();
        const refused = new TextDecoder().decode(stdout).trim();
        assertEquals([config, refused !== ""], [config, isRefused]);
      },
    );
  }
});
