/** Starts Deno itself, also where its environment holds what it hands on only for a program that may run everything. */

/** What a dynamic linker goes by, such as `LD_LIBRARY_PATH`. */
const LINKERS = /\b(?:LD|DYLD)_\w+/g;
let isTold = false;

/** @throws What `Deno.Command` throws, unless it is only that such a variable is set: then that is left empty. */
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
