/** Findings on the machine: that others used it, or that what was measured on it can't be. */

import { counted, formatPercent, formatRatio } from "../../text/format.ts";
import { type Others, othersWords } from "../../timing/meter/meter.ts";
import type { Impossible } from "../race/entries.ts";

export const MACHINE_WORDS = {
  busy(
    { others, available, cores, ceiling }: {
      readonly others?: Others | undefined;
      /** What a busy thread got of a core, and what independent processes gained. */
      readonly available: number;
      readonly cores: number;
      readonly ceiling: number;
    },
  ) {
    const who = others ? othersWords(others) : "Other programs used the CPUs meanwhile";
    return `${who}: a busy thread got ${formatPercent(available)} of one, and ${cores} ` +
      `independent processes gained ${formatRatio(ceiling)}. On an idle machine more at once may ` +
      "gain more; run this again there.";
  },
  /** A measured gain that can't be. */
  impossible({ model, gain, most, cores, isElsewhere }: Impossible) {
    const [places, faster] = isElsewhere
      ? [counted(cores, "lane"), ", or its machines are faster than this one"]
      : [`${cores} cores`, ""];
    return `The measurement can't be right, because ${model} gained ${formatRatio(gain)} where ` +
      `${places} and the tasks' waiting can give ${formatRatio(most)} at most: the plain ` +
      `loop was slower than need be, or the model didn't do the same work${faster}.`;
  },
};
