/** Says how to run the tests that a plain `deno test` ignores. */

import { assert } from "@std/assert";
import { grantedAll } from "./granted.ts";

if (!grantedAll()) {
  console.log(
    "note: tests that need a permission which was not given are ignored; deno task test runs all",
  );
}

Deno.test({
  name: "every test may run; if this one is ignored, others are: run deno task test",
  ignore: !grantedAll(),
  fn: () => assert(grantedAll()),
});
