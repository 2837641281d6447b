import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  lostText,
  whoIsServedWords,
  whoLetsGoWords,
  whoseSessionWords,
  whoseTurnWords,
} from "../../../lib/report/switching/switch_report.ts";
import { switchFile } from "./fixture.ts";

const { whoLetsGo, whoseTurn, whoseSession, whoIsServed } = switchFile();

Deno.test("how a ticker fared is said with its figures and by whose leave", () => {
  const words = whoLetsGoWords(whoLetsGo);
  assertStringIncludes(words, "In one event loop the ticker stood still (0 of 49 ticks, at worst");
  assertStringIncludes(words, "cooperative multitasking");
  assertStringIncludes(words, "With an await of a timer in it the ticker limped (19 of 49 ticks");
  assertStringIncludes(words, "every 25.0 ms");
  assertStringIncludes(
    words,
    "Beside a thread the ticker ticked on (49 of 49 ticks): threads run",
  );
});

Deno.test("a ticker that fared otherwise than it should isn't explained away", () => {
  const thread = { ...whoLetsGo.rows[3]!, came: 20 };
  const words = whoLetsGoWords({ ...whoLetsGo, rows: [thread] });
  assertStringIncludes(words, "Beside a thread the ticker limped (20 of 49 ticks)");
  assertStringIncludes(words, "to be expected that it ticked on; was the machine busy?");
  assertEquals(words.includes("preemptive"), false);
});

Deno.test("what a race lost, and what safety costs, is said by its names", () => {
  const words = whoseTurnWords(whoseTurn);
  assertStringIncludes(words, "lost updates in 2 of 3 runs, up to 50% of 1,000,000");
  assertStringIncludes(words, "a race condition, and its harm a lost update");
  assertStringIncludes(
    words,
    "never lost one, at 50.0 ns an update instead of 1.00 ns (50.0 times",
  );
  assertStringIncludes(words, "One event loop loses 50% too");
});

Deno.test("a race that lost nothing is called luck", () => {
  const [plain, ...rest] = whoseTurn.rows;
  const rows = [{ ...plain!, lost: [0, 0, 0] }, ...rest];
  assertStringIncludes(whoseTurnWords({ ...whoseTurn, rows }), "lost nothing in 3 runs, by luck");
});

Deno.test("what differs from run to run is given as a range", () => {
  assertEquals(lostText({ lost: [480_000, 0, 499_000] }), "0–499,000");
  assertEquals(lostText({ lost: [5, 5] }), "5");
});

Deno.test("clients and connections are told, and why a client stays where it is", () => {
  const words = whoseSessionWords(whoseSession);
  assertStringIncludes(words, "5 threads made 5 clients and 5 connections for 40 pages");
  assertStringIncludes(words, whoseSession.refusal);
  assertStringIncludes(words, "it opened 5 connections for up to 5 pages");
  assertStringIncludes(words, "40 pages cost 40 connections");
});

Deno.test("pages that didn't come are mentioned", () => {
  const [first, ...rest] = whoseSession.rows;
  const rows = [{ ...first!, pages: 39 }, ...rest];
  assertStringIncludes(
    whoseSessionWords({ ...whoseSession, rows }),
    "Only 39 of 40 pages came with event loop, a client each request, so",
  );
});

Deno.test("what is lost even with the await after the write is said", () => {
  const rows = whoseTurn.rows.map((row) => ({ ...row, lost: [0, 1_234] }));
  const words = whoseTurnWords({ ...whoseTurn, rows });
  assertStringIncludes(words, "Atomics.add lost 1,234, at 50.0 ns");
  assertStringIncludes(words, "With the await after the write it lost 1,234.");
  const none = whoseTurnWords({
    ...whoseTurn,
    rows: whoseTurn.rows.map((row) => ({ ...row, lost: [0] })),
  });
  assertStringIncludes(none, "it never loses one, without any lock");
  assertStringIncludes(none, "lost nothing even with an await between");
});

Deno.test("what one event loop serves together is told, and what it doesn't", () => {
  const words = whoIsServedWords(whoIsServed);
  assertStringIncludes(words, "20 clients had its answer after 420 ms");
  assertStringIncludes(words, "after 24.0 ms from one event loop for all (17.5 times as fast)");
  assertStringIncludes(words, "the squares below 5,000,000 summed");
  assertStringIncludes(words, "With the sums on 2 threads: 100 ms (2.00 times as fast)");
  const served = (lastMs: number, answered = 20) =>
    whoIsServedWords({
      ...whoIsServed,
      lanes: 1,
      rows: whoIsServed.rows.map((row) =>
        row.way === "computes, threads" ? { ...row, lastMs, answered } : row
      ),
    });
  assertStringIncludes(served(400), "With the sums on 1 thread: 400 ms (2.00 times as long)");
  assertStringIncludes(served(201), "201 ms (as long)");
  assertStringIncludes(served(201), "No time was gained here");
  assertStringIncludes(
    served(100, 19),
    "Only 19 of 20 clients had an answer with computes, 1 thread",
  );
});
