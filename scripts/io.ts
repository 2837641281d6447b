/** `deno task io`: downloads pages under every model and compares them. The lesson about waiting. */

import { command } from "../lib/cli/command.ts";
import {
  duration,
  hostsOf,
  httpUrl,
  positiveInteger,
  requireNet,
  shareOption,
  size,
  UsageError,
} from "../lib/text/option_values.ts";
import { urlsIn } from "../lib/files/named_files.ts";
import { task } from "../lib/lanes/task.ts";
import {
  addComparisonOptions,
  type RawComparisonOptions,
  readComparisonOptions,
  specOf,
} from "../lib/cli/comparison_options.ts";
import { userPath } from "../lib/files/user_files.ts";
import { modelLines } from "../lib/models.ts";
import { script } from "../lib/cli/script.ts";
import type { Site } from "../lib/site/start.ts";
import {
  PAGE_SIZES,
  PAGE_TIMEOUT_MS,
  pageTimeoutMs,
  SITE_DEFAULTS,
  type SiteOptions,
} from "../lib/site/site_options.ts";
import { downloadJob } from "../lib/timing/ready_jobs.ts";
import type { Comparison, Round } from "../lib/timing/result.ts";
import type { JobSpec, TimingEvent } from "../lib/timing/spec.ts";

/** Rounds when pages fail on purpose; few, because each stall is waited out in each round. */
const FAULTY_ROUNDS = 2;
const DEFAULT_COPIES = 80;
const STATUS_ALONE =
  "Pages on the web change: the models' results were compared by their HTTP status alone.";
const LED_AWAY =
  "Addresses lead to other hosts: run deno task io:web with the same options, which may reach any.";
const MOST_ITEMS = 1_000_000;

/** The name of the task that started this program, told by its permissions. */
const NAME = mayReachAll() ? "io:web" : "io";

const io = command(
  NAME,
  `
Downloads pages under every concurrency model and compares them: 2 pages × 80 copies from a test
site on this machine that takes 20 ms to answer, or your own addresses.

A lane is a place where tasks really run; a slot is room for one task in flight on a lane.
Slots are concurrency, lanes are parallelism. A download mostly waits, and one lane can wait for
many: here concurrency pays.

${modelLines("io")}`.trim(),
  { repeatable: ["url"] },
)
  .option(
    "--url <url>",
    "an address to download instead; may be repeated",
    (url: string, all: readonly string[] = []) => [...all, url],
  )
  .option("--urls <file>", "a file with an address on each line")
  .option(
    "--copies <n>",
    `how often each page is downloaded (default: ${DEFAULT_COPIES}; be kind to servers)`,
  )
  .option("--latency <time>", "how long the test site takes to answer (default: 20ms)")
  .option("--jitter <time>", "up to so much longer, differently for each page (default: 0ms)")
  .option(
    "--size <bytes>",
    `size of the test site's pages, such as 500 or 64kB (default: ${SITE_DEFAULTS.pageBytes})`,
  )
  .option(
    "--faults <share>",
    `share of the test site's pages that fail (default: 0); then --rounds is ${FAULTY_ROUNDS} by default`,
  )
  .option(
    "--timeout <time>",
    "how long a download may take (default: 10s; less with --faults, as pages that stall take all of it)",
  );
addComparisonOptions(io, "io");
io.addHelpText(
  "after",
  `
Examples:
  deno task io                                        the lesson, in half a minute at most
  deno task io --latency 100ms --models sequential,limited --slots 20
  deno task io --faults 5% --html io.html             what failed, and a page with charts
  deno task io:web --url https://example.org/ --copies 10
  deno task io --json before.json                     … and a month later:
  deno task io --baseline before.json --max-slowdown 10%

Exit codes: 0 done, 1 a download failed or results differ, 2 bad option, 3 slower than the baseline
allows, 130 interrupted.`,
);

type Raw = ReturnType<typeof io.opts> & RawComparisonOptions;

await script(NAME, async (signal, args) => {
  io.parse(args, { from: "user" });
  const raw: Raw = io.opts();
  const listed = raw.urls === undefined ? [] : [{ option: "--urls", path: userPath(raw.urls) }];
  const options = await readComparisonOptions(raw, "io", listed);
  const given = raw.timeout === undefined
    ? undefined
    : duration("--timeout", raw.timeout, { min: 1 });
  const copies = positiveInteger("--copies", raw.copies ?? String(DEFAULT_COPIES), {
    max: MOST_ITEMS,
  });
  const urls = await addresses(raw);
  const siteOptions = readSiteOptions(raw, options.seed, urls.length > 0);
  if (urls.length * copies > MOST_ITEMS) {
    throw new UsageError("--copies", raw.copies ?? true, "too many downloads", "give fewer");
  }
  const { compareAndReport } = await import("../lib/cli/run_comparisons.ts");
  if (urls.length > 0) {
    const job = foreignJob(urls, copies, given ?? PAGE_TIMEOUT_MS);
    const isLedAway = ({ reasons }: Round) => reasons?.["redirect not permitted"] !== undefined;
    const warn = ({ models }: Comparison) => [
      ...(models.length < 2 ? [] : [STATUS_ALONE]),
      ...(models.some(({ rounds }) => rounds.some(isLedAway)) ? [LED_AWAY] : []),
    ];
    const spec = { ...specOf(job, options), ceiling: false };
    return await compareAndReport("io", [{ spec, warn }], options, signal);
  }
  const { SiteWatch, startSite } = await import("../lib/site/start.ts");
  await using site = await startSite(siteOptions);
  const job = siteJob(site, copies, given, siteOptions);
  const watch = new SiteWatch(site);
  const rounds = siteOptions.faultShare ? FAULTY_ROUNDS : undefined;
  const planned = {
    spec: { ...specOf(job, options, rounds), ceiling: false },
    onEvent: (event: TimingEvent) => {
      if (event.type === "trial-started") watch.restart();
      if (event.type === "trial-ended") watch.sample(event.trial.model, event.result.round.runMs);
    },
    warn: () => watch.warnings(),
  };
  return await compareAndReport("io", [planned], options, signal);
});

async function addresses(raw: Raw): Promise<URL[]> {
  const named = (raw.url ?? []).map((text) => httpUrl("--url", text));
  const listed = raw.urls === undefined ? [] : await urlsIn("--urls", userPath(raw.urls));
  const remedy = "run deno task io:web with the same options, which may reach any host";
  await requireNet("--url", named, remedy);
  await requireNet("--urls", listed, remedy);
  return [...named, ...listed];
}

function readSiteOptions(raw: Raw, seed: number, foreign: boolean): SiteOptions {
  for (const name of ["latency", "jitter", "size", "faults"] as const) {
    const value = raw[name];
    if (foreign && value !== undefined) {
      const problem = "only the test site has it";
      throw new UsageError(
        `--${name}`,
        value,
        problem,
        "leave it out, or leave out --url and --urls",
      );
    }
  }
  return {
    latencyMs: duration("--latency", raw.latency ?? "20ms", { max: 3_600_000, plain: true }),
    jitterMs: duration("--jitter", raw.jitter ?? "0ms", { max: 3_600_000, plain: true }),
    pageBytes: size("--size", raw.size ?? String(SITE_DEFAULTS.pageBytes), PAGE_SIZES),
    faultShare: shareOption("--faults", raw.faults ?? "0"),
    seed,
  };
}

function siteJob(
  site: Site,
  copies: number,
  given: number | undefined,
  options: SiteOptions,
): JobSpec {
  const { latencyMs, jitterMs, pageBytes, faultShare } = { ...SITE_DEFAULTS, ...options };
  const pages = site.urls(copies).length;
  const timeoutMs = given ??
    pageTimeoutMs({ latencyMs: latencyMs + jitterMs, pages, pageBytes, faultShare });
  return downloadJob(site, copies, timeoutMs, told(options));
}

/** The options to record; the seed only matters if the site makes random choices. */
function told({ seed, ...options }: SiteOptions): Record<string, unknown> {
  return options.jitterMs || options.faultShare ? { ...options, seed } : options;
}

function foreignJob(urls: readonly URL[], copies: number, timeoutMs: number): JobSpec {
  const values = Array.from({ length: copies }, () => urls)
    .flat().map((url) => ({ url: url.href, timeoutMs }));
  return {
    name: `download ${values.length} page${values.length === 1 ? "" : "s"}`,
    task: task<typeof import("../lib/tasks/download.ts")>(
      new URL("../lib/tasks/download.ts", import.meta.url),
    ),
    items: { kind: "values", values },
    permissions: { net: mayReachAll() || hostsOf(urls) },
    options: { from: urls.slice(0, 10).map(shown), copies, timeoutMs },
    // Pages on the web change from one request to the next, so only their HTTP status is compared.
    comparable: "statusOf",
  };
}

/** Whether every host may be reached, as under io:web, where a redirect may lead to any host. */
function mayReachAll(): boolean {
  return Deno.permissions.querySync({ name: "net" }).state === "granted";
}

/** An address for reports, without its user name and password. */
function shown(url: URL): string {
  const copy = new URL(url);
  copy.username = copy.password = "";
  return copy.href;
}
