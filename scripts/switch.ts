/**
 * `deno task switch`: four short experiments on who has its turn, and when. The lesson about switching.
 */

import { command } from "../lib/cli/command.ts";
import { printReport } from "../lib/cli/result_files.ts";
import { script } from "../lib/cli/script.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { listOf } from "../lib/options.ts";
import { QUESTIONS } from "../lib/report/switching/switch_report.ts";
import { SWITCH_PARTS, type SwitchFile } from "../lib/switching/switch_result.ts";
import { whoIsServed } from "../lib/switching/who_is_served.ts";
import { whoLetsGo } from "../lib/switching/who_lets_go.ts";
import { whoseSession } from "../lib/switching/whose_session.ts";
import { whoseTurn } from "../lib/switching/whose_turn.ts";
import { printError } from "../lib/text/print.ts";
import { describeMachine } from "../lib/timing/environment.ts";

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
  .option("--only <list>", `which of them: ${SWITCH_PARTS.join(", ")} (default: all)`)
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

const EXPERIMENTS = {
  ticks: ["whoLetsGo", whoLetsGo],
  counter: ["whoseTurn", whoseTurn],
  sessions: ["whoseSession", whoseSession],
  server: ["whoIsServed", whoIsServed],
} as const;

await script("switch", async (signal, args) => {
  switching.parse(args, { from: "user" });
  const { only, json, markdown, html } = switching.opts();
  const parts = only === undefined ? SWITCH_PARTS : listOf("--only", only, SWITCH_PARTS);
  const files = await checkOutputFiles({ json, markdown, html });
  let file: SwitchFile = { schemaVersion: 1, kind: "switch", environment: await describeMachine() };
  let done = 0;
  for (const part of SWITCH_PARTS.filter((part) => parts.includes(part))) {
    const [name, run] = EXPERIMENTS[part];
    printError(`${QUESTIONS[name].title} …`);
    try {
      file = { ...file, [name]: await run(signal) };
      done++;
    } catch (error) {
      if (!signal.aborted) throw error;
      break;
    }
  }
  if (done === 0) return 1;
  const wrote = await printReport("switch", [file], files, signal.aborted);
  const { whoseSession: sessions, whoIsServed: server } = file;
  const missing = sessions?.rows.some(({ pages }) => pages < sessions.asked) ||
    server?.rows.some(({ answered }) => answered < server.clients);
  return wrote && !missing ? 0 : 1;
});
