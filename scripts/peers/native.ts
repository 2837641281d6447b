/**
 * The sum of squares as a native program, which is compiled and then run. Arguments: gcc's optimization flag,
 * first number, how many numbers.
 */

import { fileURLToPath } from "node:url";

async function run(program: string, ...args: string[]): Promise<Uint8Array> {
  const { success, stdout } = await new Deno.Command(program, {
    args,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} failed`);
  return stdout;
}

const [flags = "-O3", ...numbers] = Deno.args;
const folder = await Deno.makeTempDir();
try {
  const program = `${folder}/sum_squares`;
  const source = fileURLToPath(new URL("sum_squares.c", import.meta.url));
  await run("gcc", ...flags.split(" "), "-o", program, source);
  await Deno.stdout.write(await run(program, ...numbers));
} finally {
  await Deno.remove(folder, { recursive: true });
}
