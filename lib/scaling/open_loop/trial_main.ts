/** What runs in an open-loop trial's own process. It imports no npm package. */

import { hook, openItems, prepare } from "../../timing/job_items.ts";
import { closeLanes, openModel } from "../../timing/trial.ts";
import type { Task } from "../../lanes/task.ts";
import { answerParent } from "../../children/parent.ts";
import { openLoopHere, type OpenLoopTrial } from "./trial.ts";

if (import.meta.main) {
  await answerParent<OpenLoopTrial>(async ({ order: trial, signal }) => {
    const { job } = trial;
    await using _prepared = await prepare(await hook(job, job.prepare));
    const opened = await openItems(job.items);
    const items = await Array.fromAsync(opened.items);
    // They begin anew when there are fewer than requests.
    const places = opened.places ?? [...items.keys()];
    await using stack = new AsyncDisposableStack();
    const executor = stack.adopt(openModel(trial), (of) => closeLanes(of, trial.job));
    const placed: OpenLoopTrial = {
      ...trial,
      job: { ...job, task: { ...job.task, places } as Task },
    };
    return await openLoopHere(placed, { executor, items, signal });
  });
}
