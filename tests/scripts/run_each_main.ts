/**
 * Runs in the process of `runTaskEach()`: it runs a script again and again with different arguments, collects
 * its output, and catches its calls of `Deno.exit`.
 */

/** Thrown when the script calls `Deno.exit`. */
class Ended {
  constructor(readonly code: number) {}
}

const [script = "", runs = "[]"] = Deno.args;
const done: unknown[] = [];
const print = console.log;
const exit = Deno.exit;
Deno.exit = (code = 0) => {
  throw new Ended(code);
};
for (const [at, args] of JSON.parse(runs).entries()) {
  const run = { code: 0, stdout: "", stderr: "" };
  console.log = (text) => run.stdout += `${text}\n`;
  console.error = (text) => run.stderr += `${text}\n`;
  Object.defineProperty(Deno, "args", { value: args, configurable: true });
  try {
    // A module with another URL runs again, but its imports don't.
    await import(`${script}?run=${at}`);
  } catch (thrown) {
    if (!(thrown instanceof Ended)) throw thrown;
    run.code = thrown.code;
  }
  done.push(run);
}
print(JSON.stringify(done));
// What a run left open would keep the process.
exit();
