/**
 * A run as a part of a page: what became of it, why items failed, what took longest, and its tasks on
 * their lanes.
 */

import type { RunFile } from "../../running/run_result.ts";
import { markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { timelineSection } from "../html/timeline_chart.ts";
import { runWords } from "./run_report.ts";

/** The part of one run. */
export function runPart({ run, environment }: RunFile, { id }: PartPlace): PagePart {
  const { headline, details, tables } = runWords(run);
  const { job, model, lanes, slots, timeline, succeeded, failed, problem } = run;
  const timed = { models: [{ model, lanes, slots, timeline }], job: { items: succeeded + failed } };
  return {
    title: job.name,
    did: "run",
    headlines: [{ id, name: job.name, text: headline.slice(job.name.length + 2) }],
    sections: [{
      id,
      title: job.name,
      html: markup`<p class="verdict">${headline}</p><p>${details}</p>${
        problem !== undefined && markup`<p>${problem}</p>`
      }${tables.map(({ caption, table }) => table.html(caption))}${
        timelineSection(timed, `${id}-timeline`, false)
      }`,
    }],
    environment,
    jobs: [job.name],
    name: job.name,
    partial: run.ended === "interrupted",
    method: {
      name: "How a run is told",
      html:
        markup`<p>The items are those that this run settled; what earlier runs had recorded is counted
        apart. Times are of each item’s last attempt. Of many tasks the timeline shows an even sample: every
        second, every fourth and so on, in the order in which they ended.</p>`,
    },
  };
}
