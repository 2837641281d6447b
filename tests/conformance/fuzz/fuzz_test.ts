/** The fuzzer, in the small. For more: deno run -A tests/conformance/fuzz/fuzz_main.ts 20000 */

import fc from "../../properties.ts";
import { grantedAll } from "../../granted.ts";
import { found } from "./found.ts";
import { plan, play } from "./fuzz.ts";

const SEED = 1;

Deno.test({
  name: "500 executors used in mixed ways lose no item, and run none more often than they say",
  ignore: !grantedAll(),
  fn: () =>
    fc.assert(fc.asyncProperty(plan, play), {
      seed: SEED,
      numRuns: 500,
      examples: found.map((plan) => [plan]),
    }),
});
