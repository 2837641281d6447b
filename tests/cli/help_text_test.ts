import { assert, assertEquals } from "@std/assert";
import stringWidth from "string-width";
import { fitHelp } from "../../lib/cli/help_text.ts";

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

Deno.test("help that fits is left as it is", () => {
  const short = "Usage: a\n\nOptions:\n  --x  y\n";
  assertEquals(fitHelp(short, 40), short);
});
