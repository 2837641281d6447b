import stringWidth from "fast-string-width";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { command, fitHelp } from "../../lib/cli/command.ts";

Deno.test("command() reads options without asking for any permission", () => {
  const options = command("site", "").option("--port <n>", "", "0")
    .parse(["--debug", "--port", "5"], { from: "user" }).opts();
  assertEquals({ ...options }, { debug: true, port: "5" });
});

Deno.test("command() prints nothing itself when it refuses", () => {
  const real = console.error;
  const printed: unknown[] = [];
  console.error = (...words) => printed.push(...words);
  try {
    assertThrows(() => command("site", "").parse(["--nope"], { from: "user" }));
    assertThrows(() => command("site", "").parse(["extra"], { from: "user" }));
  } finally {
    console.error = real;
  }
  assertEquals(printed, []);
});

Deno.test("command() names the deno task in its help, and asks for no colour", () => {
  const help = command("site", "Starts the site.").option("--port <n>", "the port")
    .helpInformation();
  assertEquals(help.startsWith("Usage: deno task site [options]\n\nStarts the site.\n"), true);
  assertEquals(help.includes("\x1b"), false);
});

Deno.test("command() refuses an option that is there twice, but for those that may be", () => {
  const made = () =>
    command("io", "", { repeatable: ["url"] }).option("--rounds <n>", "")
      .option("--url <url>", "", (url: string, urls: string[] = []) => [...urls, url]);
  assertThrows(
    () => made().parse(["--rounds", "2", "--rounds=3"], { from: "user" }),
    Error,
    '--rounds "3": it is there twice; give it once',
  );
  const { url } = made().parse(["--url", "a", "--url", "b", "--debug", "--debug"], { from: "user" })
    .opts();
  assertEquals(url, ["a", "b"]);
});

const HELP = `Usage: deno task io [options]

Downloads pages under every concurrency model and compares them: 2 pages × 80 copies from a test
site on this machine.

  κ        coherence: what each pair costs by keeping up with each other; it makes more slower than
           less, from a peak on

Options:
  --latency <time>  how long the test site takes to answer (default: 20ms)

Examples:
  deno task io --latency 100ms --models sequential,limited --slots 20
  deno task io --faults 5% --html io.html             what failed`;

Deno.test("help fits any width", () => {
  for (const columns of [40, 60, 80, 100]) {
    for (const line of fitHelp(HELP, columns).split("\n")) {
      assert(stringWidth(line) <= columns, line);
      assertEquals(line, line.trimEnd());
    }
  }
});

Deno.test("paragraphs flow, columns hang, and commands go on behind a backslash", () => {
  assertEquals(
    fitHelp(HELP, 40),
    `Usage: deno task io [options]

Downloads pages under every concurrency
model and compares them: 2 pages × 80
copies from a test site on this machine.

  κ        coherence: what each pair
           costs by keeping up with each
           other; it makes more slower
           than less, from a peak on

Options:
  --latency <time>  how long the test
                    site takes to answer
                    (default: 20ms)

Examples:
  deno task io --latency 100ms \\
      --models sequential,limited \\
      --slots 20
  deno task io --faults 5% --html \\
      io.html
      what failed`,
  );
});

Deno.test("a default is shown as it would be typed, and a command that is piped into can be copied", () => {
  const made = command("peers", "").option("--rounds <n>", "how often", "3");
  const example = "  cat items.jsonl | deno task run ./task.ts --from - > results.jsonl";
  assertStringIncludes(made.helpInformation(), "how often (default: 3)");
  assertEquals(
    fitHelp(example, 60),
    "  cat items.jsonl | deno task run ./task.ts --from - > \\\n      results.jsonl",
  );
});

Deno.test("help that fits is left as it is", () => {
  const short = "Usage: a\n\nOptions:\n  --x  y\n";
  assertEquals(fitHelp(short, 40), short);
});
