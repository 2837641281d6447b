import { assertEquals } from "@std/assert";
import {
  type Candidate,
  inFlightOf,
  nameOf,
  SEQUENTIAL,
} from "../../../lib/advice/prediction/candidate.ts";
import { recommend } from "../../../lib/advice/race/recommend.ts";
import type { Runner } from "../../../lib/advice/race/runner.ts";
import { isNeedless, substitutes } from "../../../lib/advice/race/race_judge.ts";
import { seededRandom } from "../../../lib/timing/random.ts";
import { roundOf } from "../fixture.ts";

const CONCURRENT: Candidate = { model: "concurrent", lanes: 1, slots: Infinity };
const ALLOWED = { cores: 2, waits: true, canTravel: true };

const limited = (slots: number): Candidate => ({ model: "limited", lanes: 1, slots });
const workers = (lanes: number): Candidate => ({ model: "workers", lanes, slots: 1 });

function tried(...times: [Candidate, number][]): Runner[] {
  return times.map(([candidate, runMs]) => ({
    candidate,
    items: 200,
    rounds: [roundOf({ runMs })],
  }));
}

const found = (runners: Runner[], allowed: Parameters<typeof substitutes>[1] = ALLOWED) =>
  substitutes(runners, allowed, ({ rounds }) => rounds[0]!.runMs);

Deno.test("substitutes() tries lanes where slots fill no waits", () => {
  assertEquals(found(tried([SEQUENTIAL, 100], [CONCURRENT, 100])), [workers(2)]);
  const stays = { ...ALLOWED, canTravel: false };
  assertEquals(found(tried([SEQUENTIAL, 100], [CONCURRENT, 100]), stays), []);
});

Deno.test("substitutes() tries more lanes while each of them gains", () => {
  assertEquals(found(tried([SEQUENTIAL, 100], [CONCURRENT, 100], [workers(2), 52])), [workers(8)]);
  assertEquals(found(tried([SEQUENTIAL, 100], [CONCURRENT, 100], [workers(2), 95])), []);
});

Deno.test("substitutes() tries more slots while each of them gains", () => {
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 110])), [limited(64)]);
  // If half of the slots are filled, twice as many may gain some more, unless they were tried.
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 250])), [limited(32)]);
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 250], [limited(32), 245])), [
    limited(7),
  ], "as many as are served");
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 310])), [limited(8)], "a third isn't");
  const computes = { ...ALLOWED, waits: false };
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 250]), computes), []);
});

Deno.test("substitutes() tries a size between two where the smaller is filled and the larger gains more", () => {
  const two = (more: number) =>
    found(tried([SEQUENTIAL, 1600], [limited(16), 150], [limited(80), more]));
  assertEquals(two(115), [limited(32)]);
  assertEquals(two(180), [limited(32)], "all at once may be too many");
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 250], [limited(80), 245])), [
    limited(7),
  ]);
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 250], [limited(80), 200])), [
    limited(32),
  ]);
  assertEquals(found(tried([SEQUENTIAL, 1600], [limited(16), 150], [limited(44), 115])), []);
  assertEquals(two(160), [], "as good as the best");
});

/** The gain of a job by the number in flight. */
const COURSES: Readonly<Record<string, (inFlight: number) => number>> = {
  // On two cores, about twenty programs at most start at the same time.
  "programs": (inFlight) => 1 / (1 / Math.min(inFlight, 20) + 1 / 36),
  "a server that serves four at once": (inFlight) => Math.min(inFlight, 4.3),
};
const STARTS = [[limited(16)], [limited(32)], [limited(16), CONCURRENT], [limited(32), CONCURRENT]];

for (const [what, gainOf] of Object.entries(COURSES)) {
  Deno.test(`substitutes() finds the same slots for ${what}, wherever the search begins`, () => {
    const recommended = (start: readonly Candidate[], seed: number) => {
      const random = seededRandom(seed);
      const runnerOf = (candidate: Candidate): Runner => ({
        candidate,
        items: 80,
        rounds: Array.from({ length: 3 }, (_, round) =>
          roundOf({
            round,
            runMs: 1600 / gainOf(inFlightOf(candidate, 80)) * (1 + 0.04 * (random() - 0.5)),
          })),
      });
      const runners = [SEQUENTIAL, ...start].map(runnerOf);
      for (let more = found(runners); more.length > 0; more = found(runners)) {
        runners.push(...more.map(runnerOf));
      }
      const entries = runners.map(({ candidate, items, rounds }) => ({
        candidate,
        times: rounds.map(({ round, runMs }) => ({ round, ms: runMs })),
        eligible: true,
        inFlight: inFlightOf(candidate, items),
      }));
      return nameOf(recommend(entries).candidate);
    };
    const names = new Set(
      STARTS.flatMap((start) => Array.from({ length: 50 }, (_, seed) => recommended(start, seed))),
    );
    assertEquals(names.size, 1, [...names].join(", "));
  });
}

Deno.test("isNeedless() knows of slots that would only queue, once others did, or take too long", () => {
  const runners = tried([SEQUENTIAL, 1600], [limited(32), 400]);
  const of = (candidate: Candidate, among = runners, longMs = 8) =>
    isNeedless(
      { candidate, items: 200, rounds: [] },
      among,
      ({ rounds }) => rounds[0]!.runMs,
      longMs,
    );
  assertEquals([CONCURRENT, limited(16)].map((each) => of(each)), [true, true]);
  assertEquals([limited(15), workers(64)].map((each) => of(each)), [false, false]);
  assertEquals(of(CONCURRENT, tried([SEQUENTIAL, 1600], [limited(8), 400])), false);
  assertEquals(of(CONCURRENT, tried([SEQUENTIAL, 1600], [limited(32), 1600])), false);
  assertEquals(of(CONCURRENT, tried([limited(32), 400])), false);
  // Seven turns of 57 ms: tasks that one by one found what another had fetched each wait for it themselves.
  assertEquals([of(CONCURRENT, runners, 19), of(CONCURRENT, runners, 20)], [true, false]);
  const stopped = { candidate: limited(32), items: 200, rounds: [], useless: 1 };
  const ran = [...tried([SEQUENTIAL, 1600]), stopped];
  assertEquals([CONCURRENT, limited(16), workers(64)].map((each) => of(each, ran)), [
    true,
    false,
    false,
  ]);
});

Deno.test("isNeedless() gives what took too long another trial only where nothing gains", () => {
  const stopped = { candidate: CONCURRENT, items: 200, rounds: [], useless: 1 };
  const of = (runMs: number) => {
    const among = [...tried([SEQUENTIAL, 1600], [workers(2), runMs]), stopped];
    return isNeedless(stopped, among, ({ rounds }) => rounds[0]!.runMs, 8);
  };
  assertEquals([of(1600), of(900)], [false, true]);
});

Deno.test("substitutes() tries no more slots than there are items to fill them", () => {
  assertEquals(found(tried([SEQUENTIAL, 6400], [limited(64), 110])), [limited(200)]);
  assertEquals(found(tried([SEQUENTIAL, 6400], [CONCURRENT, 40])), []);
});

Deno.test("substitutes() tries as many slots as are served where the others only queue, some more first", () => {
  assertEquals(found(tried([SEQUENTIAL, 1600], [CONCURRENT, 400])), [limited(8)]);
  const some = tried([SEQUENTIAL, 1600], [CONCURRENT, 400], [limited(8), 410]);
  assertEquals(found(some), [limited(4)]);
  assertEquals(found([...some, ...tried([limited(4), 420])]), []);
  assertEquals(found(tried([SEQUENTIAL, 300], [CONCURRENT, 100], [limited(8), 100])), [limited(3)]);
  const hardly = tried([SEQUENTIAL, 430], [CONCURRENT, 100], [limited(8), 100]);
  assertEquals(found(hardly), [], "five are no half of eight");
});

Deno.test("substitutes() tries twice as many slots on each lane while these gain more, and less than was promised", () => {
  const each = (slots: number): Candidate => ({ ...workers(2), slots });
  const allowed = { ...ALLOWED, waits: false, predicted: [{ candidate: each(4), gain: 2.6 }] };
  const of = (...times: [Candidate, number][]) =>
    found(tried([SEQUENTIAL, 210], ...times), allowed);
  assertEquals(of([workers(2), 140], [each(4), 100]), [each(8)]);
  assertEquals(of([each(4), 85]), [], "hardly less than was promised");
  assertEquals(of([each(4), 100], [each(8), 94]), [each(16)]);
  assertEquals(of([each(4), 100], [each(8), 96]), [], "no more than fewer");
  assertEquals(of([each(4), 210]), [], "most of them queue");
  assertEquals(found(tried([SEQUENTIAL, 210], [each(4), 100])), [], "nothing was promised");
  // More slots on lanes are tried by the same rule as on this event loop.
  assertEquals(found(tried([SEQUENTIAL, 1600], [each(8), 150])), [each(32)]);
});

Deno.test("substitutes() tries a model that was predicted to gain more than the best one did", () => {
  const predicted = [{ candidate: workers(2), gain: 1.8 }, { candidate: limited(4), gain: 1.2 }];
  const allowed = { ...ALLOWED, waits: false, predicted };
  const both: Candidate = { model: "workers", lanes: 2, slots: 8 };
  assertEquals(found(tried([SEQUENTIAL, 100], [both, 70]), allowed), [workers(2)]);
  assertEquals(found(tried([SEQUENTIAL, 100], [both, 40]), allowed), []);
  const better = [{ candidate: limited(4), gain: 1.9 }, { candidate: workers(2), gain: 3 }];
  const more = { ...allowed, predicted: better };
  assertEquals(found(tried([SEQUENTIAL, 100], [both, 70]), more), [workers(2)], "the best");
  assertEquals(found(tried([SEQUENTIAL, 105], [both, 35]), more), [], "not a twentieth more");
});

Deno.test("substitutes() finds how many are borne between few that went well and some more that were refused", () => {
  const of = (slots: number, out?: "failures"): Runner => ({
    candidate: limited(slots),
    items: 200,
    rounds: [roundOf({ runMs: out === undefined ? 1600 / slots : 20 })],
    ...(out && { out }),
  });
  const plain = tried([SEQUENTIAL, 1600]);
  assertEquals(found([...plain, of(4, "failures")]), [limited(2)]);
  assertEquals(found([...plain, of(4, "failures"), of(2)]), [limited(3)]);
  // No size is tried with as many in flight as were refused, however well fewer did.
  assertEquals(found([...plain, of(4, "failures"), of(2), of(3)]), []);
  assertEquals(found([...plain, of(16, "failures"), of(8)]), [limited(12)]);
  assertEquals(found([...plain, of(2, "failures")]), []);
  assertEquals(found([...plain, of(64, "failures")]), [limited(16)]);
  assertEquals(found([...plain, of(64, "failures"), of(16)]), [limited(32)]);
  // A model that is shut out for a while starts again with few, and at most doubles each time.
  const shut = { ...tried([CONCURRENT, 20])[0]!, out: "failures" as const, lastedMs: 0 };
  assertEquals(found([...plain, shut]), [limited(2)]);
  assertEquals(found([...plain, shut, of(2), of(4)]), [limited(8)]);
  assertEquals(found([...plain, shut, of(2), of(4), of(8), of(16, "failures")]), []);
  // Ten a second at 400 ms each keep four slots busy.
  const refused = { ...of(64, "failures"), pacePerSecond: 10 };
  const timed = { ...ALLOWED, taskMs: 400 };
  assertEquals(found([...plain, refused], timed), [limited(4)]);
});

Deno.test("substitutes() tries as many lanes as there are cores where more of them failed", () => {
  const of = (lanes: number): Runner => ({
    candidate: workers(lanes),
    items: 200,
    rounds: [roundOf({ runMs: 20, failed: 190 })],
    out: "failures",
  });
  const plain = tried([SEQUENTIAL, 1600]);
  assertEquals(found([...plain, of(8)]), [workers(2)]);
  assertEquals(found([...plain, of(8), of(2)]), []);
  assertEquals(found([...plain, of(8)], { ...ALLOWED, cores: 1 }), []);
  const slots: Candidate = { model: "workers", lanes: 8, slots: 4 };
  assertEquals(found([...plain, { ...of(8), candidate: slots }]), []);
  assertEquals(found([...plain, of(2)]), [], "no more than there are cores");
});

Deno.test("substitutes() tries lanes where one event loop doesn't bear two, unless a server refuses them", () => {
  const failing = (slots: number, more: Partial<Runner> = {}): Runner => ({
    candidate: limited(slots),
    items: 200,
    rounds: [roundOf({ runMs: 20, failed: 190 })],
    out: "failures",
    failures: [{ reason: "Error", count: 190, index: 1, message: "busy" }],
    ...more,
  });
  const plain = tried([SEQUENTIAL, 1600]);
  assertEquals(found([...plain, failing(8)]), [limited(2)]);
  assertEquals(found([...plain, failing(8), failing(2)]), [workers(2)]);
  assertEquals(found([...plain, failing(2)], { ...ALLOWED, canTravel: false }), []);
  const refused = { reason: "Error", count: 190, index: 1, message: "", status: 429 };
  assertEquals(found([...plain, failing(2, { failures: [refused] })]), []);
  assertEquals(found([...plain, failing(2, { lastedMs: 0 })]), [], "who asks again is shut out");
  assertEquals(found([...plain, failing(2), ...tried([workers(2), 820])]), [workers(8)]);
});

Deno.test("substitutes() holds each of its limits where it is met exactly", () => {
  // The gain is exactly three fifths of five slots, then exactly a fifth.
  assertEquals(found(tried([SEQUENTIAL, 300], [limited(5), 100])), [limited(20)]);
  assertEquals(found(tried([SEQUENTIAL, 120], [limited(8), 100])), [limited(2)]);
  // Exactly four times as many are in flight as are served, so most of them queue.
  assertEquals(found(tried([SEQUENTIAL, 200], [limited(8), 100])), [limited(4)]);
  const unrun: Runner = { candidate: limited(64), items: 200, rounds: [] };
  assertEquals(found([...tried([SEQUENTIAL, 120], [limited(8), 100]), unrun]), [limited(2)]);
});

Deno.test("substitutes() goes by what ran, and by what went well with fewer than were refused", () => {
  const wide: Runner = { candidate: limited(256), items: 200, rounds: [] };
  const filled = tried([SEQUENTIAL, 1600], [limited(16), 110]);
  assertEquals(found([...filled, wide]), [limited(64)], "what never ran isn't what gains less");
  const [all] = tried([CONCURRENT, 20]);
  const refused: Runner = { ...all!, items: 16, out: "failures" };
  assertEquals(found([...filled, refused]), [limited(4)], "as many were refused elsewhere");
});

Deno.test("substitutes() tries no size that is hardly another", () => {
  const of = (slots: number, out?: "failures"): Runner => ({
    candidate: limited(slots),
    items: 200,
    rounds: [roundOf({ runMs: out === undefined ? 1600 / slots : 20 })],
    ...(out && { out }),
  });
  const plain = tried([SEQUENTIAL, 1600]);
  assertEquals(found([...plain, of(6, "failures"), of(4)]), [], "five is no half more than four");
  const few = (items: number): Runner => ({ ...tried([workers(8), 150])[0]!, items });
  const none = tried([CONCURRENT, 1600]);
  assertEquals(found([...plain, ...none, few(12)]), [], "twelve lanes are no half more than eight");
  assertEquals(found([...plain, ...none, few(13)]), [workers(13)]);
});

Deno.test("substitutes() goes on from the most lanes that were tried", () => {
  const more = tried([SEQUENTIAL, 1600], [CONCURRENT, 1600], [workers(2), 800], [workers(8), 320]);
  assertEquals(found(more), [workers(32)]);
});

Deno.test("substitutes() tries few slots where many are slower than the plain loop, or took too long", () => {
  const allowed = { ...ALLOWED, predicted: [{ candidate: CONCURRENT, gain: 60 }] };
  const slower = tried([SEQUENTIAL, 1600], [CONCURRENT, 4000]);
  assertEquals(found(slower, allowed), [limited(2), workers(2)]);
  const stopped = { candidate: CONCURRENT, items: 200, rounds: [], useless: 1 };
  assertEquals(found([...tried([SEQUENTIAL, 1600]), stopped], allowed)[0], limited(2));
  const two = tried([SEQUENTIAL, 1600], [limited(2), 820]);
  assertEquals(found([...two, stopped])[0], limited(4), "what holds up many may bear some more");
  assertEquals(found([...tried([SEQUENTIAL, 1600], [limited(2), 1590]), stopped])[0], workers(2));
});

Deno.test("substitutes() tries fewer slots than gain far less than was promised, though lanes gain more", () => {
  const predicted = [{ candidate: CONCURRENT, gain: 60 }];
  const times = tried([SEQUENTIAL, 1600], [CONCURRENT, 700], [{ ...workers(2), slots: 60 }, 380]);
  assertEquals(found(times, { ...ALLOWED, predicted }).map(nameOf), ["limited (4 slots)"]);
  assertEquals(found(times), [], "what a loop had no time for");
});

Deno.test("substitutes() takes no prediction for better once slots of tasks that wait gained nothing", () => {
  const both: Candidate = { model: "workers", lanes: 2, slots: 8 };
  const of = (waits: boolean, ...times: [Candidate, number][]) =>
    found(tried([SEQUENTIAL, 120], ...times), {
      ...{ ...ALLOWED, waits, predicted: [{ candidate: both, gain: 3 }] },
    });
  assertEquals(of(true, [CONCURRENT, 120]), [workers(2)]);
  assertEquals(of(false, [CONCURRENT, 120]), [both], "of tasks that compute lanes may");
  assertEquals(of(true, [CONCURRENT, 100]), [limited(2), both], "a fifth is a gain");
  assertEquals(of(true, [workers(2), 115]), [both], "no slots were tried");
});

Deno.test("substitutes() doubles slots while they are filled, by what gains most", () => {
  const each = (slots: number): Candidate => ({ ...workers(2), slots });
  const allowed = { ...ALLOWED, waits: false, predicted: [{ candidate: each(4), gain: 2.6 }] };
  const computing = (ms: number) => found(tried([SEQUENTIAL, 210], [each(8), ms]), allowed);
  assertEquals(computing(105), [each(4)], "eight times as many as gain are too many");
  assertEquals(computing(100), [each(16), each(4)]);
  // Exactly three times as many are in flight as are served, then the gain is exactly a fifth.
  assertEquals(found(tried([SEQUENTIAL, 200], [limited(6), 100])), [limited(12)]);
  assertEquals(found(tried([SEQUENTIAL, 120], [limited(2), 100])), [limited(8)]);
  const far = tried([SEQUENTIAL, 1000], [limited(4), 500], [workers(16), 100]);
  assertEquals(found(far), [], "lanes gain far more");
  const [slower] = tried([limited(4), 400]);
  const out = [...tried([SEQUENTIAL, 800]), { ...slower!, out: "slower" as const }];
  assertEquals(found(out), [limited(2)], "what was passed over is not doubled");
  const loses = tried([SEQUENTIAL, 100], [limited(8), 120]);
  assertEquals(found(loses), [limited(2), workers(2)], "a fifth lost is more than nothing");
});
