/**
 * fast-check with a fixed seed, so that passing tests pass again. `LANES_SEED=7 deno task test` tries other
 * values.
 */

import fc from "fast-check";

const variable = "LANES_SEED";
const { state } = Deno.permissions.querySync({ name: "env", variable });
fc.configureGlobal({ seed: Number(state === "granted" && Deno.env.get(variable) || 1) });

export default fc;
