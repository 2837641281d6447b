/** The sources pass the checks of projects that import them by path: Deno applies theirs to all files. */

import { assert } from "@std/assert";
import { granted } from "./granted.ts";

/** The options of the strictest projects, and of those that publish to JSR, which can't have `checkJs`. */
const STRICT = {
  exactOptionalPropertyTypes: true,
  isolatedDeclarations: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
};

/** The options of projects in JavaScript, and of those that move to TypeScript. */
const LOOSE = { strict: false, checkJs: true };

/** An option that is undefined counts as left out, because options passed on are often undefined. */
const PROGRAM = `
  import { type Executor, limited, type Results, workers, type WorkersOptions } from "lanes";
  export * from "lanes";
  export const open = (options: WorkersOptions, lanes?: number): Executor =>
    workers({ ...options, lanes });
  export const map = (signal?: AbortSignal, timeoutMs?: number): Results<number> =>
    limited().map((n: number) => 2 * n, [1], { signal, timeoutMs });
`;

for (const [kind, compilerOptions] of Object.entries({ strict: STRICT, loose: LOOSE })) {
  Deno.test({
    name: `a ${kind} project may import the sources`,
    ignore: !granted("run", "read", "write"),
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const library = new URL("../lib/mod.ts", import.meta.url).href;
        await Deno.writeTextFile(
          `${folder}/deno.json`,
          JSON.stringify({ compilerOptions, imports: { lanes: library } }),
        );
        await Deno.writeTextFile(`${folder}/main.ts`, PROGRAM);
        const { success, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["check", "--quiet", "--no-lock", "main.ts"],
          cwd: folder,
          env: { NO_COLOR: "1" },
          stdin: "null",
        }).output();
        assert(success, new TextDecoder().decode(stderr));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
