import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import fc from "../properties.ts";
import { endOf, HUNG_UP, INTERRUPTED } from "../../lib/cli/script.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { command } from "../../lib/cli/command.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read", "write");
const ROOT = new URL("../../", import.meta.url);
const CONFIG = fileURLToPath(new URL("deno.json", ROOT));

Deno.test("endOf() gives 2 and the error's own line for a usage error", () => {
  const end = endOf("io", new UsageError("--slots", "x", "not a number", "give one such as 5"));
  assertEquals(end, { code: 2, line: 'io: --slots "x": not a number; give one such as 5' });
});

Deno.test("endOf() leaves nothing in a usage error's line that a terminal would obey", () => {
  const problem = "it has a key \x1b]0;title\x07\x1b[2Jodd\n  at \u202e";
  assertEquals(endOf("report", new UsageError("result.json", "a.json", problem, "mend it")), {
    code: 2,
    line: 'report: result.json "a.json": it has a key odd at  ; mend it',
  });
});

Deno.test("endOf() gives 2 and the missing permission for NotCapable", () => {
  const end = endOf(
    "io",
    new Deno.errors.NotCapable("Requires net access to a.example, run again with --allow-net"),
  );
  assertEquals(end, {
    code: 2,
    line: "io: Requires net access to a.example, which deno task io may not have",
  });
});

Deno.test("endOf() gives 1 and one line for any other error", () => {
  const end = endOf("cpu", new Error("no luck\n    at somewhere"));
  assertEquals(end.code, 1);
  assertEquals(end.line, "cpu: no luck at somewhere; add --debug for the place in the code");
});

Deno.test("endOf() finds one line for whatever is thrown", () => {
  const odd = [undefined, null, 0, "text", {}, new Error(), Object.create(null), {
    get name() {
      throw new Error("trap");
    },
  }];
  for (const thrown of odd) assertMatch(endOf("cpu", thrown).line!, /^cpu: [^\n]+; add --debug/);
  fc.assert(fc.property(fc.anything(), (thrown) => {
    assertMatch(endOf("cpu", thrown).line!, /^cpu: [^\n\r\0]*$/);
  }));
});

function thrownBy(args: string[]): unknown {
  try {
    command("site", "").option("--port <n>", "").parse(args, { from: "user" });
  } catch (thrown) {
    return thrown;
  }
}

Deno.test("endOf() gives 2 for what commander doesn't understand, and points to the help", () => {
  assertEquals(endOf("site", thrownBy(["--prot", "1"])), {
    code: 2,
    line: "site: unknown option '--prot' (Did you mean --port?); see deno task site --help",
  });
  assertMatch(endOf("site", thrownBy(["--port"])).line!, /argument missing; see/);
  assertEquals(endOf("site", thrownBy(["--port", "1", "extra"])), {
    code: 2,
    line: 'site: argument "extra": not expected; see deno task site --help',
  });
});

/** Runs a script with the given main function in a separate process. */
async function runScript(
  main: string,
  args: string[] = [],
  whenReady?: (child: Deno.ChildProcess) => void,
): Promise<{ code: number; out: string; err: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/main.ts`;
    const lib = new URL("lib/", ROOT).href;
    await Deno.writeTextFile(
      file,
      `import { script } from "${lib}cli/script.ts"; import { UsageError } from "${lib}text/option_values.ts";
      void UsageError; await script("test", ${main});`,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--config", CONFIG, file, ...args],
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    let out = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        out += text;
        if (out.startsWith("ready")) whenReady?.(child);
      }
    })();
    const err = await new Response(child.stderr).text();
    await reading;
    return { code: (await child.status).code, out, err };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "script() ends with main's own exit code, and says nothing itself",
  ignore,
  fn: async () => {
    const { code, out, err } = await runScript(
      "(_signal, args) => { console.log(args.join()); return Promise.resolve(3); }",
      ["a", "b"],
    );
    assertEquals({ code, out, err }, { code: 3, out: "a,b\n", err: "" });
  },
});

Deno.test({
  name: "script() says an error in one line, and its stack only with --debug",
  ignore,
  fn: async () => {
    const main = "() => Promise.reject(new Error('no luck'))";
    const plain = await runScript(main);
    assertEquals([plain.code, plain.err.split("\n").length], [1, 2]);
    assertMatch(plain.err, /^test: no luck; add --debug/);
    const debug = await runScript(main, ["--debug"]);
    assertEquals(debug.code, 1);
    assertMatch(debug.err, /\n\s+at /);
  },
});

Deno.test({
  name: "script() ends with 2 and one line for a usage error thrown before any await",
  ignore,
  fn: async () => {
    const { code, err } = await runScript(
      "() => { throw new UsageError('--x', '1', 'bad', 'give 2'); }",
    );
    assertEquals({ code, err }, { code: 2, err: 'test: --x "1": bad; give 2\n' });
  },
});

for (
  const [signal, expected] of [
    ["SIGINT", INTERRUPTED],
    ["SIGTERM", INTERRUPTED],
    ["SIGHUP", HUNG_UP],
  ] as const
) {
  Deno.test({
    name: `script() lets main save what it has after ${signal}, then ends with ${expected}`,
    ignore: ignore || Deno.build.os === "windows",
    fn: async () => {
      let sent = false;
      const { code, out, err } = await runScript(
        `async (signal) => {
          const timer = setInterval(() => {}, 1_000);
          const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
          console.log("ready");
          await stopped;
          clearInterval(timer);
          console.log("saved");
          signal.throwIfAborted();
          return 0;
        }`,
        [],
        (child) => {
          if (!sent) child.kill(signal);
          sent = true;
        },
      );
      assertEquals({ code, out, err }, { code: expected, out: "ready\nsaved\n", err: "" });
    },
  });
}

Deno.test({
  name: "script() ends with 1 and a line where the report could not be printed, and loses no more",
  ignore: ignore || Deno.build.os !== "linux",
  fn: async () => {
    const { err } = await runScript(
      `async () => {
        const { print } = await import("${
        new URL("../../lib/text/print.ts", import.meta.url).href
      }");
        const log = console.log;
        console.log = () => { throw new Error("No space left on device (os error 28)"); };
        print("a");
        print("b");
        console.log = log;
        console.error("main went on");
        return 0;
      }`,
    );
    assertEquals(
      err,
      "main went on\ntest: the report could not be printed: No space left on device (os error 28); " +
        "print it to another place\n",
    );
  },
});

Deno.test({
  name: "script() ends at once at a later signal, though main goes on",
  ignore: ignore || Deno.build.os === "windows",
  fn: async () => {
    const { code, out } = await runScript(
      `async (signal) => {
        signal.addEventListener("abort", () => console.log("first"));
        setInterval(() => console.log("going on"), 20);
        console.log("ready");
        await new Promise(() => {});
        return 0;
      }`,
      [],
      (child) => {
        try {
          child.kill("SIGINT");
        } catch {
          // The process has ended, and has already printed this.
        }
      },
    );
    assertEquals({ code, first: out.includes("first\n") }, { code: INTERRUPTED, first: true });
  },
});

Deno.test({
  name: "script() takes the echo of a signal for the same one, so that main can save what it has",
  ignore: ignore || Deno.build.os === "windows",
  fn: async () => {
    let sent = 0;
    const { code, out } = await runScript(
      `async (signal) => {
        const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
        let signals = 0;
        const echoed = new Promise((resolve) => Deno.addSignalListener("SIGINT", () => {
          if (++signals === 2) setTimeout(resolve);
        }));
        setInterval(() => {}, 1_000);
        // However late the echo comes, it is one by this clock.
        performance.now = () => 0;
        console.log("ready");
        await stopped;
        console.log("saving");
        await echoed;
        console.log("saved");
        return 0;
      }`,
      [],
      (child) => {
        if (sent++ < 2) child.kill("SIGINT");
      },
    );
    assertEquals({ code, out }, { code: INTERRUPTED, out: "ready\nsaving\nsaved\n" });
  },
});
