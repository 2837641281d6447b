import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "../../../properties.ts";
import {
  type Contender,
  type Contest,
  perSecond,
  SPREAD,
} from "../../../../scripts/peers/harness/contest.ts";
import type { Reading } from "../../../../scripts/peers/reading.ts";
import {
  type Attempt,
  judged,
  race,
  type Raced,
  rowsOf,
} from "../../../../scripts/peers/harness/race.ts";
import {
  aimText,
  resultText,
  troubleLines,
} from "../../../../scripts/peers/harness/peers_report.ts";

function contender(name: string, more: Partial<Contender> = {}): Contender {
  return { name, launch: { program: name, args: [] }, items: 10, sum: 55n, ...more };
}

/** The reading of a run that gave ten results in `ms` milliseconds. */
function took(ms: number, more: Partial<Reading> = {}): Attempt {
  return { reading: { items: 10, sum: 55, ms, ...more } };
}

function contest(title: string, ours: Contender, ...peers: Contender[]): Contest {
  return { family: "pools", title, unit: perSecond("items"), ours, peers };
}

function raced(one: Contest, ours: Attempt[], theirs: Attempt[]): Promise<Raced[]> {
  const left = new Map([[one.ours, ours.values()], [one.peers[0]!, theirs.values()]]);
  return race([one], {
    rounds: Math.max(ours.length, theirs.length),
    seed: 1,
    attempt: (who) => Promise.resolve(left.get(who)!.next().value!),
  });
}

Deno.test("race() runs everybody once a round, and a contest's contenders one after another", async () => {
  const contests = [
    contest("a", contender("a1"), contender("a2"), contender("a3")),
    contest("b", contender("b1"), contender("b2")),
  ];
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 6 }), async (seed, rounds) => {
      const ran: string[] = [];
      await race(contests, {
        rounds,
        seed,
        attempt: ({ name }) => {
          ran.push(name);
          return Promise.resolve(took(1));
        },
      });
      for (let round = 0; round < rounds; round++) {
        const names = ran.slice(round * 5, round * 5 + 5);
        assertEquals([...names].sort(), ["a1", "a2", "a3", "b1", "b2"]);
        const families = names.map((name) => name[0]).join("");
        assertMatch(families, /^(aaabb|bbaaa)$/);
      }
    }),
  );
});

Deno.test("race() takes the same order from the same seed, and others from other seeds", async () => {
  const peers = Array.from({ length: 6 }, (_, index) => contender(`peer ${index}`));
  const orderOf = async (seed: number) => {
    const ran: string[] = [];
    const attempt = ({ name }: Contender) => {
      ran.push(name);
      return Promise.resolve(took(1));
    };
    await race([contest("one", contender("ours"), ...peers)], { rounds: 2, seed, attempt });
    return ran.join();
  };
  assertEquals(await orderOf(4), await orderOf(4));
  const orders = new Set(await Promise.all([1, 2, 3, 4, 5].map(orderOf)));
  assert(orders.size > 1);
});

Deno.test("race() counts work, not items, where a contender says how much it is", async () => {
  const one = contest("one", contender("ours", { work: 30 }), contender("peer"));
  const [result] = await raced(one, [took(1000)], [took(1000)]);
  assertEquals(result!.ours.figures, [30]);
  assertEquals(result!.peers[0]!.figures, [10]);
});

Deno.test("race() doesn't run a contender again that got into trouble", async () => {
  const one = contest("one", contender("ours"), contender("peer"));
  const trouble = { kind: "wrong", reason: "gave 9 results, not 10" } as const;
  // A second run would find no attempt in the list and throw.
  const [result] = await raced(one, [took(5), took(5), took(5)], [{ trouble }]);
  assertEquals(result!.peers[0]!.trouble, trouble);
  assertEquals(result!.ours.figures.length, 3);
});

Deno.test("race() keeps what was measured when interrupted, and blames nobody", async () => {
  const interruption = new AbortController();
  const one = contest("one", contender("ours"), contender("peer"));
  let runs = 0;
  const [result] = await race([one], {
    rounds: 9,
    seed: 1,
    signal: interruption.signal,
    attempt: () => {
      if (++runs < 5) return Promise.resolve(took(1));
      interruption.abort();
      return Promise.resolve({ trouble: { kind: "failed", reason: "interrupted" } });
    },
  });
  assertEquals(runs, 5);
  assertEquals(result!.ours.figures.length, 2);
  assertEquals(result!.ours.trouble ?? result!.peers[0]!.trouble, undefined);
});

Deno.test("rowsOf() gives the ratio of ours to theirs, paired by round", async () => {
  const one = contest("one", contender("ours"), contender("peer"));
  // The machine gets twice as slow from round to round; the ratio stays 4.
  const [ours, theirs] = [[1, 2, 4, 8], [4, 8, 16, 32]];
  const asTimes = (times: number[]) => times.map((ms) => took(ms));
  const rows = rowsOf(await raced(one, asTimes(ours!), asTimes(theirs!)));
  assertEquals(rows[0]!.ratio, null);
  const { median, low, high } = rows[1]!.ratio!;
  assert(Math.abs(median - 4) < 1e-9 && low > 3.8 && high < 4.2);
  assertEquals(rows[0]!.figures, [10_000, 5_000, 2_500, 1_250]);
  assertEquals(rows[0]!.figure!.low, 1_250);
});

Deno.test("rowsOf() shows no figure and no ratio of a contender with wrong results", async () => {
  const aim = { of: "ratio", atLeast: 1 } as const;
  const one = contest("one", contender("ours"), contender("peer", { aim }));
  const trouble = { kind: "wrong", reason: "its results add up to 54, not 55" } as const;
  const rows = rowsOf(await raced(one, [took(5), took(5)], [took(5), { trouble }]));
  assertEquals([rows[1]!.figure, rows[1]!.ratio, rows[1]!.aim], [null, null, null]);
  assertStringIncludes(troubleLines(rows).join(), "peer: wrong: its results add up to 54, not 55");
});

Deno.test("judged() says whether an aim is met, and whether that is sure", () => {
  const between = { of: "ratio", atLeast: 0.85, atMost: 1.15 } as const;
  const told = (median: number, low: number, high: number) => {
    const { met, unsure } = judged(between, { median, low, high });
    return [met, unsure];
  };
  assertEquals(told(1, 0.9, 1.1), [true, false]);
  assertEquals(told(1, 0.8, 1.1), [true, true]);
  assertEquals(told(1.3, 1.2, 1.4), [false, false]);
  assertEquals(told(0.8, 0.7, 0.9), [false, true]);
  assertEquals(told(0.85, 0.85, 1.15), [true, false]);
});

Deno.test("rowsOf() compares nobody where a figure isn't a speed", async () => {
  const one = contest("runs", contender("ours"), contender("hyperfine"));
  const apart = { ...one, unit: SPREAD };
  const rows = rowsOf(
    await raced(apart, [took(1, { spread: 0.1 })], [took(1, { spread: 0.2 })]),
  );
  assertEquals(rows.map(({ figures }) => figures), [[10], [20]]);
  assertEquals(rows[1]!.ratio, null);
});

Deno.test("rowsOf() gives what a report tells: figures, and aims for who asks", async () => {
  const aim = { of: "ratio", atLeast: 50 } as const;
  const one = contest("no-op items", contender("ours"), contender("peer", { aim }));
  const [ours, peer] = rowsOf(await raced(one, [took(0.001)], [took(1)]));
  assertEquals(resultText(ours!), "10.0 M items/s (10.0 M–10.0 M)");
  assertStringIncludes(aimText(peer!), "≥ 50.0×: met");
  assertEquals(peer!.better, "more");
});

Deno.test("rowsOf() holds a plain loop's fellows against it, and nobody against one in trouble", async () => {
  const loop = contender("loop");
  const one = { ...contest("one", contender("ours"), loop, contender("threads")), loop };
  const rowsWith = async (ofLoop: Attempt) => {
    const ms: Record<string, Attempt> = { ours: took(1), loop: ofLoop, threads: took(50) };
    const attempt = ({ name }: Contender) => Promise.resolve(ms[name]!);
    return rowsOf(await race([one], { rounds: 3, seed: 1, attempt }));
  };
  const medians = (rows: Awaited<ReturnType<typeof rowsWith>>) =>
    rows.map(({ overLoop }) => overLoop && Math.round(overLoop.median));
  assertEquals(medians(await rowsWith(took(100))), [undefined, undefined, 2]);
  const trouble = { kind: "failed", reason: "no" } as const;
  assertEquals(medians(await rowsWith({ trouble })), [undefined, undefined, undefined]);
});

Deno.test("rowsOf() gives the medians of what was measured besides, and work of who does what it can", async () => {
  const { launch, name } = contender("wrk");
  const one = contest("pages", contender("ours"), { name, launch });
  const ours = [took(1), took(1), took(1)];
  const theirs = [1, 3, 2].map((p99Ms) => took(1000, { items: 40, p99Ms, connections: 64 }));
  const [mine, wrk] = rowsOf(await raced(one, ours, theirs));
  assertEquals(mine!.besides, undefined);
  assertEquals(wrk!.besides, { p99Ms: 2, connections: 64 });
  assertEquals(wrk!.figures, [40, 40, 40]);
});
