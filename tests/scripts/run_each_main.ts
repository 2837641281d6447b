/**
 * What runs in the process of `runTaskEach()`: a script again and again, each time with other arguments.
 * What it would print is kept, and where it would end the process it is left.
 */

/** The script called `Deno.exit`. */
class Ended {
  constructor(readonly code: number) {}
}

const [script = "", runs = "[]"] = Deno.args;
const done: unknown[] = [];
const print = console.log;
Deno.exit = (code = 0) => {
  throw new Ended(code);
};
for (const [at, args] of JSON.parse(runs).entries()) {
  const run = { code: 0, stdout: "", stderr: "" };
  console.log = (text) => run.stdout += `${text}\n`;
  console.error = (text) => run.stderr += `${text}\n`;
  Object.defineProperty(Deno, "args", { value: args, configurable: true });
  try {
    // A module of another address is run anew, but not what it imports.
    await import(`${script}?run=${at}`);
  } catch (thrown) {
    if (!(thrown instanceof Ended)) throw thrown;
    run.code = thrown.code;
  }
  done.push(run);
}
print(JSON.stringify(done));
