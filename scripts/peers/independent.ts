/**
 * Sums of squares in processes that share nothing: all are started first, then told to go together, each on its
 * part of the numbers. Arguments: first number, how many numbers, processes. With the number of a part as
 * fourth argument, this program is one of these processes.
 */

import { plainContext } from "../../lib/lanes/lane_tasks.ts";
import sumSquares from "../../lib/tasks/sum_squares.ts";
import { report, timed } from "./reading.ts";

const [first = 0, count = 0, processes = 2, part] = Deno.args.map(Number);

/** Sums every `processes`-th number, from number `part` on, once it is told to go. */
async function onePart(part: number): Promise<void> {
  const context = plainContext(0, new AbortController().signal);
  const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
  await say("ready");
  const started = await Deno.stdin.read(new Uint8Array(8));
  if (started === null) return;
  let items = 0;
  let sum = 0n;
  for (let index = part; index < count; index += processes) {
    sum += sumSquares(first + index, context);
    items++;
  }
  await say(`${items} ${sum}`);
}

async function allParts(): Promise<void> {
  const children = Array.from({ length: processes }, (_, part) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", import.meta.url, ...[first, count, processes, part].map(String)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    return { child, lines, writer: child.stdin.getWriter() };
  });
  for (const { lines } of children) await lines.read(); // each child's line "ready"

  const { value: answers, ms } = await timed(() =>
    Promise.all(children.map(async ({ writer, lines }) => {
      await writer.write(new TextEncoder().encode("go\n"));
      return (await lines.read()).value ?? "";
    }))
  );

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
}

if (part === undefined) await allParts();
else await onePart(part);
