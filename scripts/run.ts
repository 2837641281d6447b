/** `deno task run`: runs a job for real, to its end, and continues where an earlier run stopped. */

import { PERMISSION_HELP, takePermissions } from "../lib/advice/job/job_permissions.ts";
import { BOUNDS_HELP, SERVER_HELP } from "../lib/children/model_arguments.ts";
import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { jobModule } from "../lib/files/named_files.ts";
import { modelLines } from "../lib/models.ts";
import { LONGEST_WAIT_MS, MOST_REFUSALS, MOST_WAIT_MS } from "../lib/running/refused_items.ts";
import { HELD_MS, LEAST_JUDGED } from "../lib/running/run_message.ts";
import { readRunOptions } from "../lib/running/run_options.ts";
import { wholeSeconds } from "../lib/text/format.ts";

const run = command(
  "run",
  `
Runs a job for real: every item once, with retries, a rate, and a record from which it goes on after
Ctrl-C, a crash or a reboot. Results are JSON Lines: {"index":0,"digest":"…","value":…}.

A job is a module that exports a task and its items, as for deno task advise; with --from the items are
the lines of a file, and any module that exports a task will do.

${modelLines("cpu")}`.trim(),
)
  .argument("<module>", "the job's module: a path, or a file: URL")
  .option("--export <name>", "the task's export (default: default)")
  .option("--from <file>", "take items from a file's lines, or from standard input with -")
  .option("--lines <what>", "what a line is: text or json (default: json for .jsonl and .ndjson)")
  .option("--items <n>", "take the first n items only")
  .option(
    "--model <name>",
    "how it is run (default: auto; workers if --lanes is given, limited if --slots is)",
  )
  .option("--lanes <n>", "lanes of workers, processes and cluster: how many tasks compute at once")
  .option("--slots <n>", "slots on each lane: how many tasks wait at once (default: 5 of limited)")
  .option("--servers <list>", `of cluster: ${SERVER_HELP.servers}`)
  .option("--user <name>", SERVER_HELP.user)
  .option("--creds <file>", SERVER_HELP.creds)
  .option("--tls-ca <file>", SERVER_HELP.tlsCa)
  .option("--advice <file>", "model, sizes, retries and rate as deno task advise --json wrote them")
  .option(
    "--start <file>",
    "of auto: start with what deno task advise --json wrote, then adapt",
  )
  .option("--max-slots <n>", BOUNDS_HELP.maxSlots)
  .option("--max-lanes <n>", BOUNDS_HELP.maxLanes)
  .option("--memory <size>", BOUNDS_HELP.memory)
  .option("--stay <where>", BOUNDS_HELP.stay)
  .option("--out <file>", "write the results there, with a journal beside them")
  .option("--failed <file>", "write the items that failed there, with reason and attempts")
  .option("--order <which>", "order of the results: completion or input (default: completion)")
  .option("--resume", "continue the run of --out where it was interrupted, or start it")
  .option("--retry-failed", "run those items of --out that failed; with --resume the others too")
  .option(
    "--changed <what>",
    "if the list has changed: refuse it (default), or match its items wherever they stand now",
  )
  .option(
    "--fsync <when>",
    "make --out safe from power loss: always, end, or a time (default: 10s)",
  )
  .option("--retries <n>", "how often a task that fails is tried again (default: 0)")
  .option(
    "--timeout <time>",
    "how long a task may take, from its own start: 500ms, 10s, 2m (default: unlimited); one that blocks " +
      `the event loop for longer ends the run ${wholeSeconds(HELD_MS)} later`,
  )
  .option("--rate <n/s>", "start at most so many tasks, evenly: 20/s, 100/m, 5000/h")
  .option(
    "--per-host <n>",
    "tasks in flight at most for each host, that of the item or its url; items without one share a limit",
  )
  .option(
    "--halt <budget>",
    `stop once so many items have failed, or such a share of them, as 10%, from ${LEAST_JUDGED} items on`,
  )
  .option("--json <file>", "write the summary as data")
  .option("--html <file>", "write it as a page with every task, or a sample of them, on its lane")
  .option("--markdown <file>", "write it for an issue or a pull request")
  .option("--trace <file>", "write the tasks, or a sample, for ui.perfetto.dev or chrome://tracing")
  .option(
    "--live",
    "show it while it runs, on a page for this machine alone, whose address is printed",
  );
run.addHelpText(
  "after",
  `
${PERMISSION_HELP}

A server that answers 429, or with Retry-After, is left alone for as long as it asks (up to ${
    wholeSeconds(MOST_WAIT_MS)
  }),
or if it doesn't say, for 1 s, and each time that it goes on refusing for twice as long, up to ${
    wholeSeconds(LONGEST_WAIT_MS)
  }.
Items of other hosts go on, where items are web addresses or have one as url; else all wait. What was
refused is tried again whatever --retries says, until it has been refused ${MOST_REFUSALS} times; it fails sooner if
the server answers the others meanwhile. Under auto a host that refuses is also given fewer slots, which
grow again slowly.

Tasks that change what their modules hold (a counter, a cache), as far as the source shows it, stay on one
event loop under auto; --model workers gives them lanes all the same.

A result is in --out some 20 ms after its task ended, and safe then from whatever ends this program, even
SIGKILL; --fsync says when it is safe from a loss of power. With --resume an item without a result runs
again. Ctrl-C lets what runs end; twice ends at once.

Examples:
  deno task run ./job.ts --allow-net=example.org --out results.jsonl
  deno task run ./job.ts --allow-net=example.org --out results.jsonl --resume
  deno task run ./fetch.ts --from urls.txt --slots 20 --per-host 4 --retries 3 --allow-net --live
  deno task run ./job.ts --out results.jsonl --retry-failed
  cat items.jsonl | deno task run ./task.ts --from - --lines json --lanes 4 > results.jsonl

Exit codes: 0 done, 1 an item failed or the run was halted, 2 bad option, module or list, 130
interrupted.`,
);

await script("run", async (signal, args) => {
  const { permissions, rest } = takePermissions(args);
  run.parse(rest, { from: "user" });
  const [typed] = run.processedArgs;
  await jobModule(typed);
  const options = await readRunOptions(typed, run.opts());
  const { runToEnd } = await import("../lib/cli/run_to_end.ts");
  return await runToEnd({ typed, permissions, options, args, signal });
});
