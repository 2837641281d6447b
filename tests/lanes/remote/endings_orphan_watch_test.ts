import { assertEquals } from "@std/assert";
import { granted } from "../../granted.ts";

/** Runs a process without permissions that computes for so long while it watches for its parent's end. */
async function busyBeside(parentPid: string, busyMs: number): Promise<Deno.CommandStatus> {
  const watch = new URL("../../../lib/lanes/remote/endings.ts", import.meta.url);
  const code = `
    import { endWithParent } from ${JSON.stringify(watch.href)};
    endWithParent(${parentPid});
    const end = performance.now() + ${busyMs};
    while (performance.now() < end);
    Deno.exit(3);
  `;
  const main = `data:text/javascript,${encodeURIComponent(code)}`;
  const { code: exitCode, signal, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--no-config", "--allow-import", main],
    stdin: "null",
  }).output();
  return { code: exitCode, signal, success };
}

const ignore = !granted("run", "read");

Deno.test({
  name: "a process whose parent is another than it was is ended in the midst of a busy loop",
  ignore,
  fn: async () => assertEquals((await busyBeside("Deno.ppid + 1", 60_000)).signal, "SIGKILL"),
});

Deno.test({
  name: "a process whose parent lives is left alone",
  ignore,
  fn: async () => assertEquals((await busyBeside("Deno.ppid", 1000)).code, 3),
});
