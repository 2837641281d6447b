/**
 * How the figures came about, and whose methods they are.
 *
 * @module
 */

import { LESSON } from "../terminal/verdict_text.ts";
import { type Html, markup } from "./markup.ts";

/** Writes the method. */
export function methodSection(): Html {
  return markup`
    <p><b>Words.</b> A lane is a place where tasks run: this event loop, a worker thread, a
    subprocess. A slot is room for one task in flight on a lane. ${LESSON}</p>
    <ul>
      <li><b>Trials.</b> Each model’s round runs in a fresh process that measures itself. Rounds are
    interleaved and their order shuffled with the seed, so that drift hits all models alike.</li>
      <li><b>Same work.</b> Results are checksummed and compared; if they differ, no speedup is shown.</li>
      <li><b>Speedup.</b> The ratio of sequential’s time to the model’s, paired by round: its median, on
    logarithms. The 95% interval is Student’s <i>t</i> (Biometrika 6, 1908) for 2 to 5 rounds, and from
    6 on the percentile bootstrap of the median (Efron, Annals of Statistics 7, 1979), never narrower than
    the sign test’s (Conover, Practical Nonparametric Statistics, 1999). A single round’s interval is an
    assumed factor of two either way. If the interval holds 1, there is no detectable difference.</li>
      <li><b>Quantiles</b> are definition 7 of Hyndman and Fan (The American Statistician 50, 1996), linear
    between the ordered values, as in R and NumPy. No value is dropped.</li>
      <li><b>Ceiling.</b> The same work in processes that share nothing: what parallelism can gain on this
    machine. A speedup above it means that the sequential run was too slow, not that the model is magic.</li>
      <li><b>CPU time</b> is that of the trial’s process, its threads and its subprocesses; <b>peak memory</b>
    the process’s own resident peak plus that of each subprocess.</li>
    </ul>
  `;
}
