/** `deno task lane`: offers this machine's lanes to jobs that run under `cluster`. */

import { PERMISSION_HELP, takePermissions } from "../lib/advice/job/job_permissions.ts";
import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { readServerOptions, SERVER_HELP } from "../lib/children/model_arguments.ts";
import { userPath } from "../lib/files/user_files.ts";
import { missingHere } from "../lib/lanes/permissions.ts";
import type { Model } from "../lib/models.ts";
import {
  given,
  LANE_LIMIT,
  nameOption,
  oneOf,
  positiveInteger,
  UsageError,
} from "../lib/text/option_values.ts";

const LANE_MODELS = ["processes", "workers"] as const satisfies readonly Model[];
const MOST_SLOTS = 65_536;
/** After this long without a message, in milliseconds, a job counts as gone. */
const SILENCE_MS = 15_000;
const ALLOW = "--allow-module";

const lane = command(
  "lane",
  `
Offers lanes of this machine to jobs that run with --model cluster, until Ctrl-C. They meet at a NATS
server with JetStream (Debian: nats-server -js); nothing listens here.

A lane runs only files below the folders that you allow. These files, and those that they import by
relative paths or by names of a deno.json, must have the content that they have for the job.`
    .trim(),
  { repeatable: ["allow-module"] },
)
  .option("--servers <list>", SERVER_HELP.servers)
  .option("--user <name>", SERVER_HELP.user)
  .option("--creds <file>", SERVER_HELP.creds)
  .option("--tls-ca <file>", SERVER_HELP.tlsCa)
  .option(
    "--model <name>",
    "what its lanes are: processes (default), or workers, which start sooner, but can't be ended " +
      "while they compute, nor load packages of a project",
  )
  .option("--lanes <n>", "tasks that run at a time, each on a lane (default: one a core)")
  .option(
    "--slots <n>",
    "tasks in flight on each lane at most (default: as many as a job asks for)",
  )
  .option("--name <name>", "what reports call this machine (default: its host name)")
  .option(
    `${ALLOW} <path>`,
    "run task modules below this folder; may be repeated; data: allows code in URLs",
    (path: string, all: readonly string[] = []) => [...all, path],
  )
  .option("--list", "list what jobs have on the server, and what they left behind")
  .option("--purge", "remove what jobs left behind, and items that ended lanes twice")
  .addHelpText(
    "after",
    `
${PERMISSION_HELP}

Examples:
  deno task lane --servers nats://127.0.0.1:4222 --allow-module ./jobs --allow-net=example.org
  deno task run ./jobs/fetch.ts --model cluster --servers nats://127.0.0.1:4222   in another terminal
  deno task lane --servers nats://127.0.0.1:4222 --allow-module lib/tasks         for deno task cpu
  deno task lane --servers tls://nats.example.org --creds me.creds --list

Exit codes: 130 left after Ctrl-C or SIGTERM, 2 bad option, or no server; 0 of --list and --purge.`,
  );

await script("lane", async (signal, args) => {
  const { permissions, rest } = takePermissions(args, "module");
  lane.parse(rest, { from: "user" });
  const raw = lane.opts();
  const server = await readServerOptions(raw);
  if (server === undefined) {
    const remedy = "give the server's address, such as --servers nats://127.0.0.1:4222";
    throw new UsageError("--servers", true, "missing", remedy);
  }
  if (raw.list || raw.purge) {
    const { model, lanes, slots, name, allowModule } = raw;
    const may = Object.fromEntries(Object.keys(permissions).map((kind) => [`allow-${kind}`, true]));
    const given: Record<string, string | true | undefined> = {
      ...{ model, lanes, slots, name, "allow-module": allowModule?.[0] },
      ...may,
    };
    const idle = Object.entries(given).find(([, value]) => value !== undefined);
    if (idle !== undefined) {
      const problem = "nothing is run with --list or --purge";
      throw new UsageError(`--${idle[0]}`, idle[1] ?? true, problem, "leave one of the two out");
    }
    const { lookAfter } = await import("../lib/cli/join.ts");
    await lookAfter(server, raw.purge === true);
    return 0;
  }
  const paths = raw.allowModule ?? [];
  if (paths.length === 0) {
    const remedy = "name the folder whose modules may be run";
    throw new UsageError(ALLOW, true, "missing, and a lane runs nothing else", remedy);
  }
  const roots: string[] = [];
  for (const path of paths.filter((path) => path !== "data:")) {
    const root = userPath(path);
    const info = await Deno.stat(root).catch(() => undefined);
    if (info === undefined) {
      throw new UsageError(ALLOW, path, "there is no such folder", "check it");
    }
    roots.push(await Deno.realPath(root));
  }
  const model = raw.model === undefined ? "processes" : oneOf("--model", raw.model, LANE_MODELS);
  const missing = model === "workers" ? missingHere(permissions) : undefined;
  if (missing !== undefined) {
    const problem = "a thread can't have more permissions than this program";
    const remedy = "leave it out, or --model workers";
    throw new UsageError(`--allow-${missing.kind}`, missing.entry ?? true, problem, remedy);
  }
  const { join } = await import("../lib/cli/join.ts");
  await join(server, {
    name: given(raw.name, (text) => nameOption("--name", text)) ?? Deno.hostname(),
    lanes: raw.lanes === undefined
      ? navigator.hardwareConcurrency
      : positiveInteger("--lanes", raw.lanes, { max: LANE_LIMIT }),
    slots: raw.slots === undefined
      ? MOST_SLOTS
      : positiveInteger("--slots", raw.slots, { max: MOST_SLOTS }),
    allowed: { roots, data: paths.includes("data:") },
    permissions,
    threads: model === "workers",
    silenceMs: SILENCE_MS,
  }, signal);
  return 0;
});
