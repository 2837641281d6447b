/** Runs `deno task advise` after its options are read: loads the job, measures it, and reports. */

import type { AdviceFile } from "../../lib/advice/advice.ts";
import { adviceProgress } from "../../lib/advice/advice_progress.ts";
import { advise, MOST_ITEMS, MOST_TIMES } from "../../lib/advice/advise.ts";
import { faultsOf } from "../../lib/advice/compose_advice.ts";
import type { AdviseOptions } from "../../lib/advice/evidence.ts";
import { loadJob, spread } from "../../lib/advice/job/load_job.ts";
import { sharedBy } from "../../lib/advice/job/shared_state.ts";
import { joinedLanes, measureMachine } from "../../lib/advice/prediction/machine.ts";
import { orderProbe } from "../../lib/advice/probe/order_probe.ts";
import { probe } from "../../lib/advice/probe/probe.ts";
import { profileJob } from "../../lib/advice/profile/profiler.ts";
import { MOST_IN_FLIGHT } from "../../lib/advice/race/race_plan.ts";
import { TrialError } from "../../lib/children/measuring_child.ts";
import { serverFault } from "../../lib/children/model_arguments.ts";
import { printReport } from "../../lib/cli/result_files.ts";
import type { OutputFiles } from "../../lib/files/output_files.ts";
import type { ServerOptions } from "../../lib/lanes/cluster/broker.ts";
import type { LanePermissions } from "../../lib/lanes/permissions.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { joinedWords } from "../../lib/report/advice/advice_words.ts";
import { counted, formatDuration } from "../../lib/text/format.ts";
import { plain } from "../../lib/text/plain.ts";
import { print, printError } from "../../lib/text/print.ts";
import { describeMachine, proxyNotes } from "../../lib/timing/environment.ts";
import { startMeter } from "../../lib/timing/meter/meter.ts";
import { NoLaneError, trialProcesses } from "../../lib/timing/run_trial.ts";

type Asked = Pick<
  AdviseOptions,
  "typed" | "items" | "budgetMs" | "isSoon" | "seed" | "models" | "server" | "bounds" | "signal"
>;

interface Request extends Asked {
  readonly export: string | undefined;
  readonly permissions: LanePermissions;
  readonly withAuto: boolean;
  /** Whether to print only what would be done. */
  readonly dry: boolean;
  readonly files: OutputFiles;
}

/** Returns the exit code. */
export async function giveAdvice(request: Request): Promise<number> {
  const { permissions, dry, files, export: name, ...asked } = request;
  const { typed, items, budgetMs, seed, server, withAuto, signal } = asked;
  const { job } = await loadJob({
    ...{ typed, export: name, items, permissions, guardMs: budgetMs, signal },
  });
  const most = Math.min(items ?? Infinity, MOST_ITEMS);
  const plan = `at most ${counted(most, "item")}, each at most ${MOST_TIMES + Number(withAuto)} ` +
    `times (and again where a server refuses), at most ${
      Math.min(most, MOST_IN_FLIGHT)
    } at once, within ${formatDuration(budgetMs)}`;
  if (dry) {
    print(
      `${job.name}: would run ${plan}: once one by one, then under the models that promise most.\n` +
        `Each run is a process of its own that may ${allowed(permissions)}. Nothing was run.`,
    );
    return 0;
  }
  const runTrial = trialProcesses({ guardMs: budgetMs });
  const joined = server && await joinedLanes(job, server, { runTrial, signal }).catch((error) => {
    throw error instanceof TrialError ? unjoined(server, error) : error;
  });
  if (joined !== undefined) printError(`advise: ${joinedWords(joined)}`);
  printError(
    `${job.name}: runs ${plan}. If its tasks change something, mind that they do it so often ` +
      `(--dry, --items). Seed ${seed}.`,
  );
  for (const note of proxyNotes()) printError(`advise: ${note}`);
  const progress = adviceProgress(job.name, budgetMs);
  await using meter = await startMeter(signal);
  const { advice: given, evidence } = await advise({
    ...asked,
    job: spread(job),
    joined,
    cores: navigator.hardwareConcurrency,
    library: new URL("../../lib/mod.ts", import.meta.url).href,
    onPhase: progress.phase,
    onEvent: progress.onEvent,
  }, {
    ...{ probe, orderProbe, profileJob, measureMachine, sharedBy, meter, runTrial },
    now: () => performance.now(),
  }).finally(() => progress.end());
  const environment = { ...await describeMachine(meter), seed };
  const written: AdviceFile = { schemaVersion: 1, kind: "advice", environment, advice: given };
  const wrote = await printReport("advise", [written], files, given.partial !== undefined);
  const faults = faultsOf(given, evidence);
  for (const fault of faults) printError(`advise: ${fault}`);
  return wrote && faults.length === 0 ? 0 : 1;
}

/** The error that says why no lane of another machine can be raced, and what to do about it. */
function unjoined({ servers }: ServerOptions, error: TrialError): UsageError {
  const fault = serverFault(error.message);
  if (fault !== undefined) return fault;
  const [problem, remedy] = error instanceof NoLaneError
    ? error.why.replace(/^could not be had: /, "").split(/; (?=[^;]*$)/)
    : [error.message];
  const other = "start one with deno task lane, or leave --servers out";
  return new UsageError("--servers", servers.join(), plain(problem!), plain(remedy ?? other));
}

function allowed(permissions: LanePermissions): string {
  const kinds = Object.entries(permissions).map(([kind, list]) =>
    list === true ? kind : `${kind} (${(list as readonly string[]).join(", ")})`
  );
  return plain(
    `read its own module${
      kinds.length === 0 ? " and nothing else" : ` and use: ${kinds.join("; ")}`
    }`,
  );
}
