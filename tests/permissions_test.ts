/** Says how to run the tests that a plain `deno test` ignores. */

import { assert } from "@std/assert";

const NEEDED = ["read", "write", "net", "run", "env", "sys"] as const;
const missing = NEEDED.filter((name) => {
  const descriptor = name === "net" ? { name, host: "127.0.0.1" } as const : { name } as const;
  return Deno.permissions.querySync(descriptor).state !== "granted";
});

if (missing.length > 0) {
  console.log(
    `note: without permission for ${missing.join(", ")} the tests that need it are ignored; ` +
      "deno task test runs all of them",
  );
}

Deno.test({
  name: "every test may run; if this one is ignored, others are: run deno task test",
  ignore: missing.length > 0,
  fn: () => assert(missing.length === 0),
});
