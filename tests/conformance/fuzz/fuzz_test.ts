/** A short run of the fuzzer. For a longer one: deno run -A tests/conformance/fuzz/fuzz_main.ts 20000 */

import fc from "../../properties.ts";
import { grantedAll } from "../../granted.ts";
import { found } from "./found.ts";
import { plan, play } from "./fuzz.ts";

const SEED = 1;
/** How many plans run at once: most of the time each waits for lanes to start or for a deadline. */
const AT_ONCE = 5;

const together = fc.array(plan, { minLength: AT_ONCE, maxLength: AT_ONCE });

Deno.test({
  name: "500 executors used in mixed ways lose no item, and run none more often than they say",
  ignore: !grantedAll(),
  fn: () =>
    fc.assert(
      fc.asyncProperty(together, async (plans) => void await Promise.all(plans.map(play))),
      {
        seed: SEED,
        numRuns: 500 / AT_ONCE,
        examples: [[[...found]]],
      },
    ),
});
