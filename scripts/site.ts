/** `deno task site`: starts the test site alone and runs it until Ctrl-C. */

import { command } from "../lib/cli/command.ts";
import {
  duration,
  nonNegativeInteger,
  seedOption,
  shareOption,
  size,
  UsageError,
} from "../lib/text/option_values.ts";
import { print } from "../lib/text/print.ts";
import { wrap } from "../lib/text/plain.ts";
import { styleOfStdout } from "../lib/report/terminal.ts";
import { INTERRUPTED, script } from "../lib/cli/script.ts";
import { ADDRESSES } from "../lib/site/handler.ts";
import { PAGE_SIZES, SITE_DEFAULTS } from "../lib/site/site_options.ts";
import { SiteError, startSite } from "../lib/site/start.ts";

const HELP = `
The site listens on 127.0.0.1 only and makes its pages up; nothing leaves this machine.

Addresses:
${ADDRESSES.replaceAll(/^/gm, "  ")}

Which addresses fail, and how, follows from --seed: the same in every run.

Examples:
  deno task site --latency 50 --port 8000
  deno task io --url http://127.0.0.1:8000/page/1 --copies 80     in another terminal

Exit codes: 130 after Ctrl-C or SIGTERM, 2 bad option.`;

const milliseconds = (option: string) => (text: string) =>
  duration(option, text, { max: 3_600_000, plain: true });

function settings(args: string[]) {
  const { port, latencyMs, jitterMs, pageBytes, faultShare, seed } = SITE_DEFAULTS;
  const portOf = (text: string) => nonNegativeInteger("--port", text, { max: 65_535 });
  const sizeOf = (text: string) => size("--size", text, PAGE_SIZES);
  const faultsOf = (text: string) => shareOption("--faults", text);
  const latency = "how long each page takes, such as 50ms or 1s; plain numbers are milliseconds";
  const jitter = "how much longer at most, differently for each address";
  const faults = "the share of addresses that fail, such as 0.1 or 10%";
  return command("site", "Starts the test site that `deno task io` downloads from, until Ctrl-C.")
    .option("--port <n>", "the port; 0 for any free one", portOf, port)
    .option("--latency <time>", latency, milliseconds("--latency"), latencyMs)
    .option("--jitter <time>", jitter, milliseconds("--jitter"), jitterMs)
    .option("--size <bytes>", "the length of each page, such as 500 or 64kB", sizeOf, pageBytes)
    .option("--faults <share>", faults, faultsOf, faultShare)
    .option("--seed <n>", "chooses which addresses fail and how", seedOption, seed)
    .addHelpText("after", HELP)
    .parse(args, { from: "user" })
    .opts();
}

async function main(signal: AbortSignal, args: string[]): Promise<number> {
  const { port, latency, jitter, size, faults, seed } = settings(args);
  const site = await startSite({
    port,
    latencyMs: latency,
    jitterMs: jitter,
    pageBytes: size,
    faultShare: faults,
    seed,
  }).catch((error) => {
    if (!(error instanceof SiteError)) throw error;
    const { problem, portProblem } = error;
    if (portProblem === undefined) throw new Error(problem, { cause: error });
    const remedy = "choose another, or 0 for any";
    throw new UsageError("--port", String(port), portProblem, remedy, { cause: error });
  });
  await using _closed = site;
  const { columns } = styleOfStdout();
  print(wrap(`The test site is at ${site.url}/ (Ctrl-C ends it). Its pages:`, columns));
  for (const url of site.urls(1)) print(`  ${url.replace(/\?.*/, "")}`);
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const ended = await Promise.race([site.ended, interrupted]);
  // A signal to the whole process group may reach the site before this program.
  if (ended?.signal === "SIGTERM") return INTERRUPTED;
  if (ended !== undefined) throw new Error(`The test site ended, with exit code ${ended.code}`);
  return 0;
}

await script("site", main);
