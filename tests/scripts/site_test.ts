import { assertEquals, assertMatch } from "@std/assert";
import { attempt } from "../../lib/lanes/attempt.ts";
import { granted, grantedAll } from "../granted.ts";

const ignore = !granted("run", "net", "read");

/** Starts the script with the permissions of `deno task site`, after the command `through` if given. */
function spawnSite(args: string[], through: readonly string[] = []): Deno.ChildProcess {
  const execPath = Deno.execPath();
  const [program, ...before] = [...through, execPath];
  return new Deno.Command(program!, {
    args: [
      ...before,
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-net=127.0.0.1",
      "--allow-env=INIT_CWD",
      `--allow-run=${execPath}`,
      new URL("../../scripts/site.ts", import.meta.url).pathname,
      ...args,
    ],
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

async function run(
  args: string[],
  through?: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await spawnSite(args, through).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

for (
  const [args, expected] of [
    [["--port", "65536"], '--port "65536": too large; give 65535 or less'],
    [["--port", "-1"], '--port "-1": not a whole number of zero or more; give one such as 5'],
    [["--latency", "soon"], '--latency "soon": not a length of time; give one such as'],
    [["--jitter", ""], '--jitter "": not a length of time; give one such as'],
    [["--size", "0"], '--size "0": too small; give 1 or more'],
    [["--size", "1e9999"], '--size "1e9999": not a size; give one such as'],
    [["--faults", "1.5"], '--faults "1.5": not a share; give one from 0 to 1'],
    [["--seed", "5.5"], '--seed "5.5": not a whole number of zero or more; give'],
    [["--sede", "5"], "unknown option '--sede' (Did you mean --seed?); see deno task site --help"],
    [["8000"], 'argument "8000": not expected; see deno task site --help'],
  ] as const
) {
  Deno.test({
    name: `deno task site ${args.join(" ")} ends with 2 and one line that says what to do`,
    ignore,
    fn: async () => {
      const { code, out, err } = await run([...args]);
      assertEquals([code, out], [2, ""]);
      assertEquals(err.startsWith(`site: ${expected}`), true, err);
      assertEquals(err.indexOf("\n"), err.length - 1, err);
    },
  });
}

Deno.test({
  name: "deno task site --help teaches, and ends with 0",
  ignore,
  fn: async () => {
    const { code, out, err } = await run(["--help"]);
    assertEquals([code, err], [0, ""]);
    for (const part of ["--latency", "/fault/<kind>", "deno task io --url"]) {
      assertEquals(out.includes(part), true, part);
    }
  },
});

Deno.test({
  name: "deno task site says that its port is taken",
  ignore,
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    try {
      const { code, err } = await run(["--port", String(port)]);
      assertEquals([code, err], [
        2,
        `site: --port "${port}": already in use; choose another, or 0 for any\n`,
      ]);
    } finally {
      listener.close();
    }
  },
});

/** A command that takes from root the right to listen on the first ports, which other users lack. */
const WITHOUT_LEAVE = ["setpriv", "--bounding-set", "-net_bind_service"];

/** Whether the system reserves the first ports, and root can drop that right here. */
const keepsFirstPorts = grantedAll() && Deno.build.os === "linux" &&
  attempt(() => Deno.readTextFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start")) ===
    "1024\n" &&
  attempt(() =>
      new Deno.Command(WITHOUT_LEAVE[0]!, { args: ["--version"] }).outputSync().success
    ) ===
    true;

Deno.test({
  name: "deno task site says that its port is kept from this user",
  ignore: ignore || !keepsFirstPorts,
  fn: async () => {
    const { code, err } = await run(["--port", "80"], Deno.uid() === 0 ? WITHOUT_LEAVE : []);
    assertEquals([code, err], [
      2,
      'site: --port "80": this user may not listen on it; choose another, or 0 for any\n',
    ]);
  },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `deno task site serves until ${signal}, ends with 130, and leaves nothing behind`,
    ignore: ignore || Deno.build.os === "windows",
    fn: async () => {
      const child = spawnSite(["--latency", "0", "--size", "77"]);
      let out = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        const complete = out.includes("/page/2");
        out += text;
        if (complete || !out.includes("/page/2")) continue;
        const page = /http:\S+\/page\/1/.exec(out)![0];
        assertEquals((await (await fetch(page)).bytes()).length, 77);
        child.kill(signal);
      }
      assertEquals((await child.status).code, 130);
      assertEquals(await new Response(child.stderr).text(), "");
      const page = /http:\S+\/page\/1/.exec(out)![0];
      const asked = await fetch(page).then(() => "answered", (error) => String(error.cause));
      assertMatch(asked, /Connection refused/);
    },
  });
}
