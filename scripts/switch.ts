/** `deno task switch`: four short experiments that show which task gets its turn, and when. */

import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { listOf } from "../lib/text/option_values.ts";

const PARTS = ["ticks", "counter", "sessions", "server"] as const;

const switching = command(
  "switch",
  `
Shows in four short experiments who has its turn, and when: what differs between tasks in one event
loop (asyncio in Python) and threads (threading), beside speed.

  ticks     Who lets go? A ticker beside a task that computes for half a second. In one event loop a
            task runs until it awaits: cooperative multitasking. Threads run side by side, or are
            switched by the operating system whenever it likes: preemptive multitasking.
  counter   Whose turn was it? Two threads count up one number a million times. Where one comes
            between the other's reading and writing, updates are lost: a race condition. In one event
            loop that can happen at an await only, and you see where those are.
  sessions  Whose session? Five threads need an HTTP client each, as a client can't leave its thread;
            one event loop has one for all. The test site counts the connections.
  server    Who is served? Twenty clients ask one server at the same moment. Answers that wait are
            served together by one event loop; those that are computed only one after another, or on
            threads.`.trim(),
)
  .option("--only <list>", `which of them: ${PARTS.join(", ")} (default: all)`)
  .option("--json <file>", "write all figures, every tick among them")
  .option("--markdown <file>", "write tables for an issue or a pull request")
  .option("--html <file>", "write one page with charts; it opens without a network")
  .addHelpText(
    "after",
    `
Examples:
  deno task switch                                    all four, in some ten seconds
  deno task switch --only counter                     again, to see that races differ each time
  deno task switch --html switch.html                 a page with charts

Exit codes: 0 done, 1 an experiment failed or answers didn't come, 2 bad option, 130 interrupted.`,
  );

await script("switch", async (signal, args) => {
  switching.parse(args, { from: "user" });
  const { only, json, markdown, html } = switching.opts();
  const chosen = only === undefined ? PARTS : listOf("--only", only, PARTS);
  const files = await checkOutputFiles({ json, markdown, html });
  const { watchSwitching } = await import("./switch/watch_switching.ts");
  return await watchSwitching(PARTS.filter((part) => chosen.includes(part)), files, signal);
});
