/** What runs in an open-loop trial's own process. It imports no npm package. */

import { hook, openItems, prepare } from "../../timing/job_items.ts";
import { closeLanes, openModel } from "../../timing/trial.ts";
import { answerParent } from "../../children/parent.ts";
import { openLoopHere, type OpenLoopTrial } from "./trial.ts";

if (import.meta.main) {
  await answerParent<OpenLoopTrial>(async ({ order: trial, signal }) => {
    const { job } = trial;
    await using _prepared = await prepare(await hook(job, job.prepare));
    const items = await Array.fromAsync(await openItems(job.items));
    await using stack = new AsyncDisposableStack();
    const executor = stack.adopt(openModel(trial), (of) => closeLanes(of, trial.job));
    return await openLoopHere(trial, { executor, items, signal });
  });
}
