/**
 * The lesson's ideas in their order: each with what this machine did, in sentences and in a picture
 * that follow from the figures, and the commands that show more.
 */

import type { LessonFile } from "./lesson_file.ts";
import { type Key, Speaker } from "./speaker.ts";
import type { Bar } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { losingRuns, mostLost, rowsBy } from "../switching/switch_words.ts";
import { isBusy, isUndecided, passesCeiling } from "../comparison/comparison_words.ts";
import { BASELINE, isModel, isRemote } from "../../models.ts";
import type { TickRow } from "../../switching/switch_result.ts";
import { faredOf } from "../../switching/ticker.ts";
import { AS_GOOD, boundOfShare } from "../../judge/thresholds.ts";
import { formatCount, formatNumber, formatPercent, middle, NO_FIGURE } from "../../text/format.ts";
import { cpuShareOf } from "../../timing/verdict.ts";
import type { Comparison, ModelResult } from "../../timing/result.ts";

/** A picture of an idea. */
export type Picture =
  | { readonly kind: "bars"; readonly title: string; readonly bars: readonly Bar[] }
  | { readonly kind: "tasks"; readonly title: string; readonly models: readonly ModelResult[] }
  | { readonly kind: "ticks"; readonly title: string; readonly rows: readonly TickRow[] }
  | {
    readonly kind: "table";
    readonly title: string;
    readonly heads: readonly string[];
    readonly rows: readonly (readonly string[])[];
  };

/** An idea of the lesson. */
export interface Idea {
  /** Unique; letters alone. */
  readonly id: string;
  readonly title: string;
  readonly about: string;
  /** What this machine did, a sentence each; none if that wasn't measured. */
  readonly seen: readonly string[];
  readonly picture: Picture | undefined;
  /** What shows more of it. */
  readonly commands: readonly string[];
}

const NS_PER_MS = 1e6;

/** What is told of an idea; what wasn't measured is undefined. */
interface Told {
  readonly seen: readonly (string | undefined)[];
  readonly picture?: Picture | undefined;
  readonly commands: readonly string[];
}

function modelIn(comparison: Comparison | undefined, name: string): ModelResult | undefined {
  return comparison?.models.find(({ model }) => model === name);
}

/** A bar for each row, or no picture of no rows. */
function bars<Row>(
  title: string,
  rows: readonly Row[] | undefined,
  bar: (row: Row) => readonly [name: string, value: number, words: string, colour: string],
): Picture | undefined {
  if (rows === undefined || rows.length === 0) return undefined;
  return {
    kind: "bars",
    title,
    bars: rows.map(bar).map(([name, value, words, colour]) => ({ name, value, words, colour })),
  };
}

function times(of: Comparison | undefined, title: string, speaker: Speaker): Picture | undefined {
  return bars(
    title,
    of?.models,
    (
      { model, wallMs: { median } },
    ) => [model, median, speaker.duration(median), modelColour(model)],
  );
}

function tasks(of: Comparison | undefined, title: string): Picture | undefined {
  return of && { kind: "tasks", title, models: of.models };
}

/** How much longer one took than another, in the words of three keys. */
function against(
  speaker: Speaker,
  key: "io.threads" | "server.threads",
  [ms, otherMs]: readonly [number, number],
  values: Readonly<Record<string, string | number>>,
): string {
  const ratio = ms / otherMs;
  const how = ratio > AS_GOOD ? "slower" : ratio < 1 / AS_GOOD ? "faster" : "same";
  return speaker.say(`${key}.${how}`, {
    ...values,
    times: formatNumber(Math.max(ratio, 1 / ratio)),
  });
}

/** What models gained, a sentence each. */
function gains(
  speaker: Speaker,
  rows: readonly (readonly [key: Key, of: ModelResult | undefined])[],
): (string | undefined)[] {
  return rows.map(([key, of]) =>
    of && speaker.say(key, { lanes: of.lanes, gain: speaker.gain(of) })
  );
}

function difference(speaker: Speaker, { io, cpu }: LessonFile): Told {
  const rows = [
    ["io", modelIn(io, "concurrent")],
    ["cpu", modelIn(cpu, "concurrent")],
    ["lanes", modelIn(cpu, "workers")],
  ] as const;
  const measured = rows.flatMap(([key, of]) => of === undefined ? [] : [[key, of] as const]);
  return {
    seen: gains(speaker, rows.map(([key, of]) => [`difference.${key}`, of])),
    picture: bars(
      speaker.say("difference.picture"),
      measured,
      ([key, { model, lanes, speedup }]) => [
        speaker.say(`difference.bar.${key}`, { lanes }),
        speedup?.median ?? 0,
        speedup === null ? NO_FIGURE : formatNumber(speedup.median),
        modelColour(model),
      ],
    ),
    commands: ["deno task io", "deno task cpu"],
  };
}

function kinds(speaker: Speaker, { io, cpu }: LessonFile): Told {
  const time = (comparison: Comparison | undefined, model: string) => {
    const of = modelIn(comparison, model);
    return of === undefined ? NO_FIGURE : speaker.duration(of.wallMs.median);
  };
  const models = io && [...new Set([...io.models, ...cpu?.models ?? []].map(({ model }) => model))];
  return {
    seen: gains(speaker, [
      ["kinds.loop", modelIn(cpu, "concurrent")],
      ["kinds.threads", modelIn(cpu, "workers")],
      ["kinds.processes", modelIn(cpu, "processes")],
    ]),
    picture: models && {
      kind: "table",
      title: speaker.say("kinds.picture"),
      heads: (["model", "io", "cpu", "python"] as const).map((head) =>
        speaker.say(`kinds.head.${head}`)
      ),
      rows: models.map((model) => [
        model,
        time(io, model),
        time(cpu, model),
        isModel(model) ? speaker.inPython(model) : "",
      ]),
    },
    commands: ["deno task peers --only python"],
  };
}

function ticks(
  speaker: Speaker,
  whoLetsGo: LessonFile["whoLetsGo"],
  place: TickRow["where"],
): Picture | undefined {
  return whoLetsGo && {
    kind: "ticks",
    title: speaker.say("ticks.picture"),
    rows: whoLetsGo.rows.filter(({ where }) => where === place),
  };
}

function preemptive(speaker: Speaker, { whoLetsGo, environment }: LessonFile): Told {
  const { thread } = rowsBy("where", whoLetsGo?.rows);
  return {
    seen: [
      thread && speaker.say("preemptive.seen", {
        period: speaker.duration(whoLetsGo!.periodMs),
        came: thread.came,
        due: thread.due,
        late: speaker.duration(thread.worstLateMs),
      }),
      thread && faredOf(thread) !== "ticked on"
        ? speaker.say(environment.lanesAvailable === 1 ? "preemptive.shared" : "preemptive.odd")
        : undefined,
    ],
    picture: ticks(speaker, whoLetsGo, "thread"),
    commands: ["deno task switch --only ticks"],
  };
}

function races(speaker: Speaker, { whoseTurn }: LessonFile): Told {
  const { "threads, plain": plain, "threads, atomic": atomic } = rowsBy("way", whoseTurn?.rows);
  const updates = formatCount(whoseTurn?.updates ?? 0);
  return {
    seen: [
      plain && speaker.say(mostLost(plain) > 0 ? "races.lost" : "races.lucky", {
        losing: losingRuns(plain),
        runs: plain.lost.length,
        share: formatPercent(mostLost(plain) / whoseTurn!.updates),
        updates,
      }),
      plain && atomic && speaker.say("races.atomic", {
        lost: formatCount(mostLost(atomic)),
        safe: speaker.nanoseconds(middle(atomic.updateNs)),
        unsafe: speaker.nanoseconds(middle(plain.updateNs)),
      }),
    ],
    picture: bars(speaker.say("races.picture", { updates }), whoseTurn?.rows, (row) => [
      speaker.say(`races.bar.${row.way}`),
      mostLost(row),
      formatCount(mostLost(row)),
      "var(--bad)",
    ]),
    commands: ["deno task switch --only counter"],
  };
}

function cooperative(speaker: Speaker, { whoLetsGo, whoseTurn }: LessonFile): Told {
  const inLoop = whoLetsGo?.rows.filter(({ where }) => where === "event loop");
  const { nothing: held, "a timer": timer } = rowsBy("awaits", inLoop);
  const { "loop, split": split, "loop, whole": whole } = rowsBy("way", whoseTurn?.rows);
  return {
    seen: [
      held && speaker.say("cooperative.held", {
        came: held.came,
        due: held.due,
        late: speaker.duration(held.worstLateMs),
      }),
      timer && speaker.say("cooperative.timer", {
        came: timer.came,
        due: timer.due,
        slice: speaker.duration(whoLetsGo!.sliceMs),
      }),
      split && whole && speaker.say("cooperative.race", {
        split: formatCount(mostLost(split)),
        whole: formatCount(mostLost(whole)),
        updates: formatCount(whoseTurn!.updates),
      }),
    ],
    picture: ticks(speaker, whoLetsGo, "event loop"),
    commands: ["deno task switch --only ticks,counter"],
  };
}

function cost(speaker: Speaker, { small, awaitCost }: LessonFile): Told {
  const startMs = (of: ModelResult) => middle(of.rounds.map(({ startMs }) => startMs));
  const slowest = small?.models.toSorted((a, b) => startMs(b) - startMs(a))[0];
  return {
    seen: [
      small && speaker.say("cost.small", {
        items: formatCount(small.job.items),
        compared: speaker.compared(small),
      }),
      slowest && speaker.say("cost.start", {
        model: slowest.model,
        start: speaker.duration(startMs(slowest)),
      }),
      awaitCost && speaker.say("cost.await", {
        plain: speaker.nanoseconds(awaitCost.plainMs * NS_PER_MS),
        awaited: speaker.nanoseconds(awaitCost.awaitedMs * NS_PER_MS),
        times: formatNumber(awaitCost.awaitedMs / awaitCost.plainMs),
      }),
    ],
    picture: times(small, speaker.say("cost.picture"), speaker),
    commands: [
      "deno task cpu --start 5000000 --count 20",
      "deno task cpu --task fib-async --start 20 --count 20",
    ],
  };
}

/** The share of a job that the CPU was busy, one after another. */
function busyShare(comparison: Comparison | undefined): number | undefined {
  const base = modelIn(comparison, BASELINE);
  return base && Math.min(1, cpuShareOf(base));
}

function bound(speaker: Speaker, { io, files, cpu }: LessonFile): Told {
  const jobs = ([["io", io], ["files", files], ["cpu", cpu]] as const)
    .flatMap(([key, of]) => {
      const share = busyShare(of);
      return share === undefined ? [] : [{ job: speaker.say(`bound.bar.${key}`), share }];
    });
  const list = jobs.map(({ job, share }) => `${job} ${formatPercent(share)}`).join(", ");
  return {
    seen: [jobs.length > 0 ? speaker.say("bound.seen", { list }) : undefined],
    picture: bars(speaker.say("bound.picture"), jobs, ({ job, share }) => [
      ...[job, share, formatPercent(share), modelColour(BASELINE)] as const,
    ]),
    commands: ["deno task advise scripts/examples/mixed.ts"],
  };
}

function waits(speaker: Speaker, { io }: LessonFile): Told {
  const [threads, slots] = [modelIn(io, "workers"), modelIn(io, "limited")];
  return {
    seen: [
      io && speaker.compared(io),
      threads && slots &&
      against(speaker, "io.threads", [threads.wallMs.median, slots.wallMs.median], {
        lanes: threads.lanes,
        slots: slots.slots ?? "",
      }),
    ],
    picture: tasks(io, speaker.say("io.picture", { items: formatCount(io?.job.items ?? 0) })),
    commands: ["deno task io", "deno task sweep io"],
  };
}

function saving(speaker: Speaker, { files }: LessonFile): Told {
  const share = busyShare(files);
  return {
    seen: [
      files && speaker.compared(files),
      share !== undefined && boundOfShare(share) === "cpu"
        ? speaker.say("files.memory", { share: formatPercent(share) })
        : undefined,
    ],
    picture: times(
      files,
      speaker.say("files.picture", { items: formatCount(files?.job.items ?? 0) }),
      speaker,
    ),
    commands: ["deno task advise scripts/examples/save_files.ts --allow-read --allow-write"],
  };
}

function sessions(speaker: Speaker, { whoseSession }: LessonFile): Told {
  const {
    "a client each request": each,
    "a client each thread": threads,
    "one client for all": loop,
  } = rowsBy("keeping", whoseSession?.rows);
  return {
    seen: [
      threads && loop && speaker.say("sessions.seen", {
        threads: whoseSession!.atOnce,
        pages: threads.pages,
        threadClients: threads.clients,
        threadConnections: threads.connections,
        loopClients: loop.clients,
        loopConnections: loop.connections,
      }),
      each && speaker.say("sessions.each", { connections: each.connections }),
    ],
    picture: bars(
      speaker.say("sessions.picture"),
      whoseSession?.rows,
      ({ keeping, connections }) => [
        speaker.say(`sessions.bar.${keeping}`, { n: whoseSession!.atOnce }),
        connections,
        formatCount(connections),
        modelColour(keeping === "a client each thread" ? "workers" : "concurrent"),
      ],
    ),
    commands: ["deno task switch --only sessions"],
  };
}

function computes(speaker: Speaker, { cpu }: LessonFile): Told {
  const onCores = cpu && { ...cpu, models: cpu.models.filter(({ device }) => !device) };
  const ceiling = cpu?.ceiling;
  const key = !ceiling
    ? undefined
    : passesCeiling(cpu)
    ? "cpu.ceiling.passed"
    : isBusy(cpu)
    ? "cpu.ceiling.busy"
    : "cpu.ceiling";
  return {
    seen: [
      onCores && speaker.compared(onCores),
      key &&
      speaker.say(key, { lanes: ceiling!.lanes, ceiling: formatNumber(ceiling!.speedup) }),
    ],
    picture: tasks(onCores, speaker.say("cpu.picture")),
    commands: ["deno task cpu", "deno task sweep cpu"],
  };
}

function server(speaker: Speaker, { whoIsServed }: LessonFile): Told {
  const way = rowsBy("way", whoIsServed?.rows);
  const [single, waiting] = [way["waits, one at a time"], way["waits, event loop"]];
  const [computing, threads] = [way["computes, event loop"], way["computes, threads"]];
  return {
    seen: [
      single && waiting && speaker.say("server.waits", {
        wait: speaker.duration(whoIsServed!.waitMs),
        clients: whoIsServed!.clients,
        single: speaker.duration(single.lastMs),
        loop: speaker.duration(waiting.lastMs),
      }),
      computing &&
      speaker.say("server.computes", { loop: speaker.duration(computing.lastMs) }),
      computing && threads &&
      against(speaker, "server.threads", [threads.lastMs, computing.lastMs], {
        lanes: whoIsServed!.lanes,
        time: speaker.duration(threads.lastMs),
      }),
    ],
    picture: bars(speaker.say("server.picture"), whoIsServed?.rows, ({ way, lastMs }) => [
      speaker.say(`server.bar.${way}`, { lanes: whoIsServed!.lanes }),
      lastMs,
      speaker.duration(lastMs),
      modelColour(way === "computes, threads" ? "workers" : "concurrent"),
    ]),
    commands: ["deno task switch --only server"],
  };
}

function beyondCores(speaker: Speaker, { cpu }: LessonFile): Told {
  const card = cpu?.models.find(({ device }) => device);
  return {
    seen: [
      card && speaker.say("gpu.seen", {
        device: card.device!.name,
        time: speaker.duration(card.wallMs.median),
        gain: speaker.gain(card),
      }),
      card?.device?.software ? speaker.say("gpu.software") : undefined,
      cpu && !card ? speaker.say("gpu.none") : undefined,
    ],
    commands: ["deno task cpu --models sequential,workers,gpu"],
  };
}

function adviceOn(speaker: Speaker, comparison: Comparison): string {
  const chosen = modelIn(comparison, comparison.verdict?.recommended ?? "");
  if (chosen === undefined) return speaker.say("when.none");
  const lanes = comparison.models.filter(({ model }) => isRemote(model));
  // The plain loop may not be the best of those on one event loop, but lanes surely lose.
  if (
    comparison.verdict?.bound === "small" &&
    lanes.every(({ speedup }) => speedup !== null && speedup.high < 1)
  ) return speaker.say("when.small");
  if (isUndecided(comparison)) return speaker.say(isBusy(comparison) ? "when.busy" : "when.unsure");
  return chosen.model === BASELINE
    ? speaker.say("when.leave")
    : speaker.say("when.take", { model: chosen.model, gain: speaker.gain(chosen) });
}

function when(speaker: Speaker, { io, files, cpu, small }: LessonFile): Told {
  const jobs = [
    ...[["job.io", io], ["job.files", files], ["job.cpu", cpu], ["job.small", small]] as const,
  ];
  return {
    seen: jobs.map(([key, of]) =>
      of && speaker.say("when.job", { job: speaker.say(key), advice: adviceOn(speaker, of) })
    ),
    commands: ["deno task advise ./my_job.ts"],
  };
}

const IDEAS = {
  difference,
  kinds,
  preemptive,
  races,
  cooperative,
  cost,
  bound,
  io: waits,
  files: saving,
  sessions,
  cpu: computes,
  server,
  gpu: beyondCores,
  when,
} as const;

/** The ideas in their order. */
export function ideasOf(file: LessonFile): Idea[] {
  const speaker = new Speaker(file.language);
  return (Object.keys(IDEAS) as (keyof typeof IDEAS)[]).map((id) => {
    const { seen, picture, commands } = IDEAS[id](speaker, file);
    return {
      id,
      title: speaker.say(`${id}.title`),
      about: speaker.say(`${id}.about`),
      seen: seen.filter((sentence) => sentence !== undefined),
      picture,
      commands,
    };
  });
}
