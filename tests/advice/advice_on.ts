/** Advice on made-up jobs, given from made-up measurements. */

import type { Advice } from "../../lib/advice/advice.ts";
import { advise, type Instruments } from "../../lib/advice/advise.ts";
import type { SharedState } from "../../lib/advice/job/shared_state.ts";
import { checksumOfFirst, type Probed } from "../../lib/advice/probe/probe.ts";
import type { OrderFound } from "../../lib/advice/probe/order_probe.ts";
import type { AdviseOptions } from "../../lib/advice/evidence.ts";
import type { Profiled } from "../../lib/advice/profile/job_profile.ts";
import { eventLoop } from "../../lib/advice/prediction/candidate.ts";
import type { Machine } from "../../lib/advice/prediction/machine.ts";
import { predict } from "../../lib/advice/prediction/predict.ts";
import type { Round } from "../../lib/timing/result.ts";
import type { TrialResult, TrialSpec } from "../../lib/timing/spec.ts";
import { MACHINE, probedOf, roundOf, sampleFor } from "./fixture.ts";

/** The results of all items of every job. */
const DIGESTS = Array<string>(5000).fill("= n1;");
/** How many slots `auto` ends with. */
const AUTO_SLOTS = 8;

type Made = Parameters<typeof probedOf>[0];

/** Advice on a made-up job whose trials measure what `truth` returns. */
export async function adviceOn(
  made: Made,
  truth: (
    trial: TrialSpec,
    items: number,
    predictedMs: number,
  ) => Partial<Round> & Pick<TrialResult, "pacePerSecond" | "failures" | "longest"> & {
    runMs: number;
  },
  { shared, ...more }: Partial<AdviseOptions> & { readonly shared?: SharedState } = {},
  /** Whether the order matters; undefined if that couldn't be found out. */
  orderMatters: boolean | undefined = false,
  profile?: Profiled,
  order: Partial<OrderFound> = {},
  /** The probe of a sample that takes the list's items in another order; by default the same probe. */
  spread?: Probed,
  machine: Machine = MACHINE,
): Promise<Advice> {
  const inOrder = probedOf(made);
  const sample = sampleFor(made);
  let atMs = 0;
  let probed = inOrder;
  const instruments: Instruments = {
    now: () => atMs,
    pause: (ms) => Promise.resolve(atMs += ms),
    sharedBy: () => Promise.resolve(shared),
    measureMachine: () => Promise.resolve(machine),
    probe: ({ items }, { signal }) => {
      signal?.throwIfAborted();
      const isSpread = spread !== undefined && items.kind === "module" &&
        items.order === "spread";
      probed = { ...isSpread ? spread : inOrder, digests: DIGESTS };
      return Promise.resolve(probed);
    },
    orderProbe: () => Promise.resolve({ orderMatters, ...order }),
    ...(profile && { profileJob: () => Promise.resolve(profile) }),
    runTrial: (trial) => {
      const items = trial.job.items.kind === "values"
        ? trial.job.items.values.length
        : trial.job.items.limit ?? sample.items;
      const { model, lanes = 1, slots = Infinity } = trial;
      const isAuto = model === "auto";
      const candidate = isAuto ? eventLoop(AUTO_SLOTS) : { model, lanes, slots };
      const { startMs, runMs } = predict(sample, candidate, items, machine);
      const { pacePerSecond, failures, longest, ...measured } = truth(
        trial,
        items,
        runMs * (1 + 0.01 * Math.sin(7 * trial.round)),
      );
      const same = checksumOfFirst(items, probed)!;
      const { checksum = "same" } = measured;
      const round = roundOf({
        ...{ round: trial.round, startMs, succeeded: items, ...measured },
        checksum: checksum === "same" ? same : checksum,
      });
      atMs += round.wallMs;
      return Promise.resolve({
        round,
        lanes,
        slots: isAuto ? AUTO_SLOTS : null,
        warnings: [],
        stopped: round.reasons?.cancelled !== undefined,
        ...(pacePerSecond !== undefined && { pacePerSecond }),
        ...(failures !== undefined && { failures }),
        longest,
      });
    },
  };
  const module = "file:///job.ts";
  const { advice } = await advise({
    job: {
      name: "made up",
      task: { module, export: "default" },
      items: { kind: "module", module, export: "items", order: spread && "spread" },
      options: {},
    },
    typed: "job.ts",
    items: undefined,
    budgetMs: 30_000,
    seed: 1,
    cores: 2,
    signal: new AbortController().signal,
    library: "file:///lib/mod.ts",
    ...more,
  }, instruments);
  return advice;
}

/** Lets every model take the predicted time. */
export const asPredicted = (_trial: TrialSpec, _items: number, runMs: number) => ({ runMs });
