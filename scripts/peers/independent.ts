/**
 * Sums of squares in processes that share nothing: each is started first, gets its part of the
 * numbers, and is told to go together with the others. Arguments: first number, how many numbers,
 * processes.
 */

import { report } from "./reading.ts";

const PART = new URL("./independent_part.ts", import.meta.url).href;
const [first = "0", count = "0", processes = "2"] = Deno.args;

const children = Array.from({ length: Number(processes) }, (_, part) => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", PART, first, count, processes, String(part)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return { child, lines, writer: child.stdin.getWriter() };
});
for (const { lines } of children) await lines.read(); // "ready"

const start = performance.now();
const answers = await Promise.all(children.map(async ({ writer, lines }) => {
  await writer.write(new TextEncoder().encode("go\n"));
  return (await lines.read()).value ?? "";
}));
const ms = performance.now() - start;

for (const { child, writer } of children) {
  await writer.close();
  await child.status;
}
const parts = answers.map((answer) => answer.trim().split(" "));
report({
  items: parts.reduce((items, [done]) => items + Number(done), 0),
  sum: parts.reduce((sum, [, part = "0"]) => sum + BigInt(part), 0n),
  ms,
});
