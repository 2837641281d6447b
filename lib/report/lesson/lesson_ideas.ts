/**
 * The lesson's ideas in their order: each with what this machine did, in sentences and in a picture
 * that follow from the figures, and the commands that show more.
 */

import type { LessonFile } from "./lesson_file.ts";
import { Speaker } from "./speaker.ts";
import type { Bar } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { mostLost } from "../switching/switch_words.ts";
import { isBusy, isUndecided, passesCeiling } from "../comparison/comparison_words.ts";
import { BASELINE, isModel, isRemote } from "../../models.ts";
import type { SessionRow, TickRow, TurnRow } from "../../switching/switch_result.ts";
import { faredOf } from "../../switching/ticker.ts";
import { AS_GOOD } from "../../judge/thresholds.ts";
import { formatCount, formatNumber, formatPercent, middle } from "../../text/format.ts";
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

function modelIn(comparison: Comparison | undefined, name: string): ModelResult | undefined {
  return comparison?.models.find(({ model }) => model === name);
}

/** What is told of an idea; what wasn't measured is undefined. */
interface Told {
  readonly seen: readonly (string | undefined)[];
  readonly picture?: Picture | undefined;
  readonly commands: readonly string[];
}

function gainBar(name: string, { model, speedup }: ModelResult): Bar {
  const value = speedup?.median ?? 0;
  const words = speedup === null ? "–" : formatNumber(value);
  return { name, value, words, colour: modelColour(model) };
}

function times({ models }: Comparison, title: string, speaker: Speaker): Picture {
  const bars = models.map(({ model, wallMs: { median } }) => ({
    name: model,
    value: median,
    words: speaker.duration(median),
    colour: modelColour(model),
  }));
  return { kind: "bars", title, bars };
}

function difference(speaker: Speaker, { io, cpu }: LessonFile): Told {
  const rows = [
    ["io", modelIn(io, "concurrent")],
    ["cpu", modelIn(cpu, "concurrent")],
    ["lanes", modelIn(cpu, "workers")],
  ] as const;
  const bars = rows.flatMap(([key, of]) =>
    of === undefined ? [] : [gainBar(speaker.say(`difference.bar.${key}`, { lanes: of.lanes }), of)]
  );
  return {
    seen: rows.map(([key, of]) =>
      of && speaker.say(`difference.${key}`, { lanes: of.lanes, gain: speaker.gain(of) })
    ),
    picture: bars.length === 0
      ? undefined
      : { kind: "bars", title: speaker.say("difference.picture"), bars },
    commands: ["deno task io", "deno task cpu"],
  };
}

function kinds(speaker: Speaker, { io, cpu }: LessonFile): Told {
  const computing = [
    ["kinds.loop", modelIn(cpu, "concurrent")],
    ["kinds.threads", modelIn(cpu, "workers")],
    ["kinds.processes", modelIn(cpu, "processes")],
  ] as const;
  const time = (of: ModelResult | undefined) =>
    of === undefined ? "–" : speaker.duration(of.wallMs.median);
  const models = io && [...new Set([...io.models, ...cpu?.models ?? []].map(({ model }) => model))];
  return {
    seen: computing.map(([key, of]) =>
      of && speaker.say(key, { lanes: of.lanes, gain: speaker.gain(of) })
    ),
    picture: models && {
      kind: "table",
      title: speaker.say("kinds.picture"),
      heads: (["model", "io", "cpu", "python"] as const).map((head) =>
        speaker.say(`kinds.head.${head}`)
      ),
      rows: models.map((model) => [
        model,
        time(modelIn(io, model)),
        time(modelIn(cpu, model)),
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
  const row = whoLetsGo?.rows.find(({ where }) => where === "thread");
  return {
    seen: [
      row && speaker.say("preemptive.seen", {
        period: speaker.duration(whoLetsGo!.periodMs),
        came: row.came,
        due: row.due,
        late: speaker.duration(row.worstLateMs),
      }),
      row && faredOf(row) !== "ticked on"
        ? speaker.say(environment.lanesAvailable === 1 ? "preemptive.shared" : "preemptive.odd")
        : undefined,
    ],
    picture: ticks(speaker, whoLetsGo, "thread"),
    commands: ["deno task switch --only ticks"],
  };
}

function races(speaker: Speaker, { whoseTurn }: LessonFile): Told {
  const row = (way: TurnRow["way"]) => whoseTurn?.rows.find((row) => row.way === way);
  const [plain, atomic] = [row("threads, plain"), row("threads, atomic")];
  const updates = formatCount(whoseTurn?.updates ?? 0);
  return {
    seen: [
      plain && speaker.say(mostLost(plain) > 0 ? "races.lost" : "races.lucky", {
        losing: plain.lost.filter((lost) => lost > 0).length,
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
    picture: whoseTurn && {
      kind: "bars",
      title: speaker.say("races.picture", { updates }),
      bars: whoseTurn.rows.map((row) => ({
        name: speaker.say(`races.bar.${row.way}`),
        value: mostLost(row),
        words: formatCount(mostLost(row)),
        colour: "var(--bad)",
      })),
    },
    commands: ["deno task switch --only counter"],
  };
}

function cooperative(speaker: Speaker, { whoLetsGo, whoseTurn }: LessonFile): Told {
  const awaiting = (what: TickRow["awaits"]) =>
    whoLetsGo?.rows.find(({ where, awaits }) => where === "event loop" && awaits === what);
  const way = (name: TurnRow["way"]) => whoseTurn?.rows.find(({ way }) => way === name);
  const [held, timer] = [awaiting("nothing"), awaiting("a timer")];
  const [split, whole] = [way("loop, split"), way("loop, whole")];
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
    picture: small && times(small, speaker.say("cost.picture"), speaker),
    commands: [
      "deno task cpu --start 5000000 --count 20",
      "deno task cpu --task fib-async --start 20 --count 20",
    ],
  };
}

function bound(speaker: Speaker, { io, cpu }: LessonFile): Told {
  const [waits, computes] = [modelIn(io, BASELINE), modelIn(cpu, BASELINE)];
  const shares = waits && computes && [waits, computes].map((of) => Math.min(1, cpuShareOf(of)));
  const [waiting, computing] = shares?.map(formatPercent) ?? [];
  return {
    seen: [shares && speaker.say("bound.seen", { io: waiting!, cpu: computing! })],
    picture: shares && {
      kind: "bars",
      title: speaker.say("bound.picture"),
      bars: (["bound.bar.io", "bound.bar.cpu"] as const).map((key, at) => ({
        name: speaker.say(key),
        value: shares[at]!,
        words: formatPercent(shares[at]!),
        colour: modelColour(BASELINE),
      })),
    },
    commands: ["deno task advise scripts/examples/mixed.ts"],
  };
}

/** Threads against slots of one event loop. */
function againstSlots(speaker: Speaker, threads: ModelResult, limited: ModelResult): string {
  const ratio = threads.wallMs.median / limited.wallMs.median;
  const key = ratio > AS_GOOD ? "slower" : ratio < 1 / AS_GOOD ? "faster" : "same";
  return speaker.say(`io.threads.${key}`, {
    lanes: threads.lanes,
    slots: limited.slots ?? "",
    times: formatNumber(Math.max(ratio, 1 / ratio)),
  });
}

function waits(speaker: Speaker, { io }: LessonFile): Told {
  const [threads, slots] = [modelIn(io, "workers"), modelIn(io, "limited")];
  return {
    seen: [
      io && speaker.compared(io),
      threads && slots && againstSlots(speaker, threads, slots),
    ],
    picture: io && {
      kind: "tasks",
      title: speaker.say("io.picture", { items: formatCount(io.job.items) }),
      models: io.models,
    },
    commands: ["deno task io", "deno task sweep io"],
  };
}

function sessions(speaker: Speaker, { whoseSession }: LessonFile): Told {
  const row = (keeping: SessionRow["keeping"]) =>
    whoseSession?.rows.find((row) => row.keeping === keeping);
  const [each, threads, loop] = [
    row("a client each request"),
    row("a client each thread"),
    row("one client for all"),
  ];
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
    picture: whoseSession && {
      kind: "bars",
      title: speaker.say("sessions.picture"),
      bars: whoseSession.rows.map(({ keeping, connections }) => ({
        name: speaker.say(`sessions.bar.${keeping}`, { n: whoseSession.atOnce }),
        value: connections,
        words: formatCount(connections),
        colour: modelColour(keeping === "a client each thread" ? "workers" : "concurrent"),
      })),
    },
    commands: ["deno task switch --only sessions"],
  };
}

function computes(speaker: Speaker, { cpu }: LessonFile): Told {
  const onCores = cpu && { ...cpu, models: cpu.models.filter(({ device }) => !device) };
  const ceiling = cpu?.ceiling;
  return {
    seen: [
      onCores && speaker.compared(onCores),
      ceiling
        ? speaker.say(
          passesCeiling(cpu)
            ? "cpu.ceiling.passed"
            : isBusy(cpu)
            ? "cpu.ceiling.busy"
            : "cpu.ceiling",
          { lanes: ceiling.lanes, ceiling: formatNumber(ceiling.speedup) },
        )
        : undefined,
    ],
    picture: onCores &&
      { kind: "tasks", title: speaker.say("cpu.picture"), models: onCores.models },
    commands: ["deno task cpu", "deno task sweep cpu"],
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

function when(speaker: Speaker, { io, cpu, small }: LessonFile): Told {
  const jobs = [["job.io", io], ["job.cpu", cpu], ["job.small", small]] as const;
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
  sessions,
  cpu: computes,
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
