/** Starts Deno, even if the environment has variables that need full `--allow-run` to be passed on. */

/** Environment variables of the dynamic linker, such as `LD_LIBRARY_PATH`. */
const LINKERS = /\b(?:LD|DYLD)_\w+/g;
let isTold = false;

/** @throws Any error of `Deno.Command` but the one about such variables; they are cleared instead. */
export function startDeno(options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const names = error.message.match(LINKERS);
    if (names === null) throw error;
    const env = { ...options.env, ...Object.fromEntries(names.map((name) => [name, ""])) };
    const child = new Deno.Command(Deno.execPath(), { ...options, env }).spawn();
    if (!isTold) {
      const what = names.join(" and ");
      console.error(`warning: subprocesses get no ${what}, for which they need --allow-run of all`);
    }
    isTold = true;
    return child;
  }
}
