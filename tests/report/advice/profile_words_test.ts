import { assertEquals } from "@std/assert";
import type { Advice } from "../../../lib/advice/advice.ts";
import {
  functionLines,
  profileLines,
  recommendationLines,
} from "../../../lib/report/advice/advice_words.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";

const advice = await adviceOn({ computeMs: 20 }, asPredicted);
const having = (
  more: Partial<Advice>,
  recommended: Partial<Advice["recommended"]> = {},
): Advice => ({
  ...advice,
  cpuShare: 1,
  profile: PROFILE,
  recommended: { ...advice.recommended, ...recommended },
  ...more,
});

const gain = { median: 1.9, low: 1.8, high: 2 };
const workers = { model: "workers", name: "workers (2 lanes)", gain } as const;
const half = "Halving what parse() (job.ts:4) does would save 31% of the time";

Deno.test("profileLines() says what mending saves, beside what the model saves", () => {
  assertEquals(profileLines(having({}, workers)), [
    "Of what the tasks compute, your own code takes 80%, packages 8%, the runtime 12% " +
    "(collecting garbage 10%): 1800 looks at 12 tasks in 480 ms. V8's own functions, such as " +
    "JSON.parse, mostly count for their callers.",
    `${half}; workers (2 lanes) save 47%.`,
  ]);
});

Deno.test("profileLines() halves nothing that only Lanes itself can change", () => {
  const place = "lanes/lanes/lane_tasks.ts:163";
  const ofLanes = { name: "plainContext()", owner: "packages", place, share: 0.7, totalShare: 0.7 };
  const functions = [ofLanes as typeof PROFILE.functions[number], ...PROFILE.functions];
  const busy = having({ profile: { ...PROFILE, functions } }, workers);
  assertEquals(profileLines(busy)[1], `${half}; workers (2 lanes) save 47%.`);
  assertEquals(functionLines(busy)[0], `70% plainContext(), ${place} (Lanes itself)`);
});

Deno.test("profileLines() counts only the part of the time that is computed", () => {
  const [, saved] = profileLines(having({ cpuShare: 0.5 }, workers));
  assertEquals(saved!.includes("would save 16% of the time"), true, saved);
});

Deno.test("profileLines() counts only what the event loop's own thread computes", () => {
  const sample = { ...advice.sample, cpuMs: 20, loopMs: 10 };
  const [, saved] = profileLines(having({ sample }, workers));
  assertEquals(saved!.includes("would save 16% of the time"), true, saved);
});

Deno.test("what takes long to get from its source isn't saved by mending a function", () => {
  const { wallMs } = advice.sample;
  const sample = { ...advice.sample, sourceMs: wallMs };
  const [, saved] = profileLines(having({ sample }, workers));
  assertEquals(saved!.includes("would save 16% of the time"), true, saved);
});

Deno.test("profileLines() calls no gain what may as well be none", () => {
  const unsure = { ...workers, gain: { median: 1.3, low: 0.8, high: 1.9 } };
  assertEquals(
    profileLines(having({}, unsure))[1],
    `${half}; whether workers (2 lanes) saves any can't be told.`,
  );
  const plain = { model: "sequential", name: "sequential" } as const;
  assertEquals(profileLines(having({}, plain))[1], `${half}; no other model surely saves any.`);
  const ordered = { ...plain, decision: "order matters" } as const;
  assertEquals(profileLines(having({}, ordered))[1], `${half}; no other model does the same.`);
  const hazards: Advice["hazards"] = [{ kind: "state", text: "", figures: { offer: workers } }];
  assertEquals(profileLines(having({ hazards }, plain))[1], `${half}; lanes save some, too.`);
  const predicted = { ...workers, gain: null, predictedGain: 2 };
  assertEquals(
    profileLines(having({}, predicted))[1],
    `${half}; workers (2 lanes) save 50%, as predicted.`,
  );
});

Deno.test("profileLines() says where no function stands out", () => {
  const functions = PROFILE.functions.slice(1);
  assertEquals(
    profileLines(having({ profile: { ...PROFILE, functions } }, workers))[1],
    "No function stands out: halving what chunk() (npm:x@1/a.js:2) does would save 4% of the time; " +
      "workers (2 lanes) save 47%.",
  );
});

Deno.test("advice calls no gain one to count on that was measured on a busy machine", () => {
  const busy = (used: number) =>
    having({
      sample: { ...advice.sample, others: { used, cores: 2 } },
      hazards: used > 1 ? [{ kind: "busy", text: "" }] : [],
    }, { ...workers, lanes: 2 });
  const said = (used: number) =>
    [...recommendationLines(busy(used)), ...profileLines(busy(used))].join("\n");
  for (const words of ["Faster here, on a busy machine: ", "as busy as"]) {
    assertEquals([said(1.6).includes(words), said(0.1).includes(words)], [true, false], words);
  }
});

Deno.test("profileLines() says why there is none, and nothing where nobody would ask", () => {
  const missing = { missing: "no time was left; a larger --budget shows it" };
  assertEquals(profileLines(having({ profile: missing })), [
    "Not known: no time was left; a larger --budget shows it.",
  ]);
  assertEquals(functionLines(having({ profile: missing })), []);
  assertEquals(profileLines(having({ profile: undefined })), []);
});

Deno.test("functionLines() names each function, where it stands, and whose it is", () => {
  assertEquals(functionLines(having({})), [
    "62% parse(), job.ts:4; of it cloning 20%",
    "10% collecting garbage (runtime)",
    "8% chunk(), npm:x@1/a.js:2 (a package)",
  ]);
});

Deno.test("advise() has a profile taken of tasks that compute, and counts what it cost", async () => {
  const without = await adviceOn({ computeMs: 20 }, asPredicted);
  const given = await adviceOn({ computeMs: 20 }, asPredicted, {}, undefined, PROFILE);
  assertEquals(given.profile, PROFILE);
  assertEquals(given.cost.timesRun, without.cost.timesRun + 1);
  assertEquals(Math.round(given.cost.tasksMs - without.cost.tasksMs), PROFILE.tasksMs);
  const waits = await adviceOn({ waitMs: 20 }, asPredicted, {}, undefined, PROFILE);
  assertEquals(waits.profile, undefined);
});
