/** The lesson's ideas in their order: the text, what this machine did, and commands that show more. */

import { boundOfShare } from "../../judge/thresholds.ts";
import { BASELINE, isModel, isRemote } from "../../models.ts";
import type { TickRow } from "../../switching/switch_result.ts";
import { formatNumber, formatPercent, NO_FIGURE } from "../../text/format.ts";
import type { Comparison, ModelResult } from "../../timing/result.ts";
import { measuredCpuShare } from "../../timing/verdict.ts";
import { isUndecided, wasShared } from "../comparison/comparison_report.ts";
import { passesCeiling } from "../../timing/warnings.ts";
import { htmlTable } from "../document.ts";
import { figure, type Html } from "../html/markup.ts";
import * as chart from "../html/svg.ts";
import { startUpMs, tasksOf } from "../slots.ts";
import { Speaker, type TextKey } from "../speaker.ts";
import { drawTicks, SEEN, servedBars, sessionBars, turnBars } from "../switching/switch_words.ts";
import type { LessonFile } from "./lesson_file.ts";
import { middle } from "../../timing/statistics.ts";

/** Draws a picture as a figure, or writes it as a table, for the section of this id. */
type Picture = (id: string) => Html;

export interface Idea {
  /** Unique, of letters only. */
  readonly id: string;
  readonly title: string;
  readonly about: string;
  /** Sentences on what this machine did; empty if nothing was measured. */
  readonly seen: readonly string[];
  readonly picture: Picture | undefined;
  readonly commands: readonly string[];
}

const NS_PER_MS = 1e6;

/** The sentences, picture and commands of an idea; those that weren't measured are undefined. */
interface Told {
  readonly seen: readonly (string | undefined)[];
  readonly picture?: Picture | undefined;
  readonly commands: readonly string[];
}

function modelIn(comparison: Comparison | undefined, name: string): ModelResult | undefined {
  return comparison?.models.find(({ model }) => model === name);
}

type Named = { readonly title: string; readonly width: number };

function charted(speaker: Speaker, title: string, draw: (named: Named) => Html): Picture {
  const steps = speaker.say("page.steps");
  return (id) =>
    figure({ id: `${id}-picture`, title, steps, draw: (width) => draw({ title, width }) });
}

/** A picture of bars; undefined if there are none. */
function barsOf(speaker: Speaker, title: string, bars: readonly chart.Bar[]): Picture | undefined {
  if (bars.length === 0) return undefined;
  return charted(speaker, title, (named) => chart.drawBars(bars, named));
}

/** A picture of the bars of a measurement; undefined if there is no measurement. */
function drawn<Of extends object>(
  speaker: Speaker,
  title: TextKey,
  of: Of | undefined,
  bars: (speaker: Speaker, of: Of) => readonly chart.Bar[],
): Picture | undefined {
  return of && barsOf(speaker, speaker.say(title, of), bars(speaker, of));
}

/** An idea that an experiment on switching shows, which `--only` runs alone. */
function experiment<Of extends object>(
  id: "races" | "sessions" | "server",
  only: string,
  of: (file: LessonFile) => Of | undefined,
  bars: (speaker: Speaker, of: Of) => readonly chart.Bar[],
) {
  return (speaker: Speaker, file: LessonFile): Told => ({
    seen: SEEN[id](speaker, file),
    picture: drawn(speaker, `${id}.picture`, of(file), bars),
    commands: [`deno task switch --only ${only}`],
  });
}

const times = (speaker: Speaker, { models }: Comparison): chart.Bar[] =>
  models.map(({ model, wallMs: { median: value } }) => (
    { name: model, value, words: speaker.duration(value), colour: chart.modelColour(model) }
  ));

function tasks(of: Comparison | undefined, title: TextKey, speaker: Speaker): Picture | undefined {
  return of &&
    charted(
      speaker,
      speaker.say(title, of),
      (named) => drawTasks(of.models, { ...named, speaker }),
    );
}

function gains(
  speaker: Speaker,
  rows: Readonly<Partial<Record<TextKey, ModelResult | undefined>>>,
): (string | undefined)[] {
  return Object.entries(rows).map(([key, of]) =>
    of && speaker.say(key as TextKey, { ...of, gain: speaker.gain(of) })
  );
}

function ticks(
  speaker: Speaker,
  whoLetsGo: LessonFile["whoLetsGo"],
  place: TickRow["where"],
): Picture | undefined {
  if (whoLetsGo === undefined) return undefined;
  const rows = whoLetsGo.rows.filter(({ where }) => where === place);
  return charted(
    speaker,
    speaker.say("ticks.picture"),
    (named) => drawTicks({ ...whoLetsGo, rows }, { ...named, speaker }),
  );
}

const PANEL_HEIGHT = 72;

/** The height of the tasks in a panel, below the model's name. */
const TASKS_HEIGHT = 48;

const LEAST_STROKE = 1.5;

/** Draws every task of each model as a stroke along the time axis, later starts further down. */
function drawTasks(
  models: readonly ModelResult[],
  { title, width, speaker }: { title: string; width: number; speaker: Speaker },
): Html {
  const panels = models.flatMap((of) => {
    const { model, timeline } = of;
    if (timeline === undefined) return [];
    const startMs = startUpMs(of);
    const tasks = tasksOf(timeline).ran.map(({ startedMs, endedMs }) => (
      { fromMs: startMs + startedMs, toMs: startMs + endedMs }
    ));
    const endMs = tasks.reduce((end, { toMs }) => Math.max(end, toMs), 0);
    return [{
      model,
      fill: chart.modelColour(model),
      tasks,
      endMs,
      words: speaker.duration(endMs),
    }];
  });
  const endMs = Math.max(1, ...panels.map(({ endMs }) => endMs));
  const x = chart.scale([0, endMs], [10, width - 70]);
  const bottom = panels.length * PANEL_HEIGHT + 6;
  const description = panels.map(({ model, words }) => `${model}: ${words}`).join("; ");
  return chart.svg(width, bottom + 30, { title, description }, [
    panels.map(({ model, fill, tasks, words, ...panel }, i) => {
      const foot = (i + 1) * PANEL_HEIGHT;
      const height = TASKS_HEIGHT / tasks.length;
      return [
        chart.marks("tasks", [...tasks.entries()], ([at, { fromMs, toMs }]) => {
          const top = foot - TASKS_HEIGHT + at * height;
          const title = `${model}: ${speaker.duration(fromMs)} – ${speaker.duration(toMs)}`;
          const end = top + Math.max(LEAST_STROKE, height);
          return chart.rect(x(fromMs), top, x(toMs), end, { title });
        }, { fill }),
        chart.text(model, x(0), foot - PANEL_HEIGHT + 12, { fill, ...chart.STRONG }),
        chart.text(words, x(panel.endMs) + 8, foot - TASKS_HEIGHT / 2, chart.STRONG),
      ];
    }),
    chart.axis(
      x,
      bottom,
      chart.linearTicks(endMs, chart.isWide(width) ? 8 : 4),
      (ms) => chart.tickTime(ms, (ms) => speaker.duration(ms)),
    ),
  ]);
}

/** The share (0 to 1) of the sequential run in which the CPU was busy. */
function busyShareOf(comparison: Comparison | undefined): number | undefined {
  const base = modelIn(comparison, BASELINE);
  return base && Math.min(1, measuredCpuShare(base));
}

function adviceOn(speaker: Speaker, comparison: Comparison): string {
  const chosen = modelIn(comparison, comparison.verdict?.recommended ?? "");
  if (chosen === undefined) return speaker.say("when.none");
  const lanes = comparison.models.filter(({ model }) => isRemote(model));
  // Another model on one event loop may beat the plain loop, but lanes surely lose.
  if (
    comparison.verdict?.bound === "small" &&
    lanes.every(({ speedup }) => speedup !== null && speedup.high < 1)
  ) return speaker.say("when.small");
  if (isUndecided(comparison)) {
    return speaker.say(wasShared(comparison) ? "when.busy" : "when.unsure");
  }
  return chosen.model === BASELINE
    ? speaker.say("when.leave")
    : speaker.say("when.take", { model: chosen.model, gain: speaker.gain(chosen) });
}

const IDEAS = {
  difference(speaker, { io, cpu }) {
    const rows = [
      ["io", modelIn(io, "concurrent")],
      ["cpu", modelIn(cpu, "concurrent")],
      ["lanes", modelIn(cpu, "workers")],
    ] as const;
    const measured = rows.flatMap(([key, of]) => of === undefined ? [] : [{ ...of, key }]);
    return {
      seen: gains(speaker, Object.fromEntries(rows.map(([key, of]) => [`difference.${key}`, of]))),
      picture: barsOf(
        speaker,
        speaker.say("difference.picture"),
        measured.map((of) => ({
          name: speaker.say(`difference.bar.${of.key}`, of),
          value: of.speedup?.median ?? 0,
          words: of.speedup === null ? NO_FIGURE : formatNumber(of.speedup.median),
          colour: chart.modelColour(of.model),
        })),
      ),
      commands: ["deno task io", "deno task cpu"],
    };
  },

  kinds(speaker, { io, cpu }) {
    const time = (comparison: Comparison | undefined, model: string) => {
      const of = modelIn(comparison, model);
      return of === undefined ? NO_FIGURE : speaker.duration(of.wallMs.median);
    };
    const models = io &&
      [...new Set([...io.models, ...cpu?.models ?? []].map(({ model }) => model))];
    return {
      seen: gains(speaker, {
        "kinds.loop": modelIn(cpu, "concurrent"),
        "kinds.threads": modelIn(cpu, "workers"),
        "kinds.processes": modelIn(cpu, "processes"),
      }),
      picture: models && (() => {
        const column = (head: string, cell: (model: string) => string, left = false) => (
          { head: speaker.say(`kinds.head.${head}` as TextKey), cell, left }
        );
        return htmlTable(speaker.say("kinds.picture"), [
          column("model", String, true),
          column("io", (model) => time(io, model)),
          column("cpu", (model) => time(cpu, model)),
          column("python", (model) => isModel(model) ? speaker.inPython(model) : "", true),
        ], models);
      }),
      commands: ["deno task peers --only python"],
    };
  },

  preemptive(speaker, file) {
    return {
      seen: SEEN.besideThread(speaker, file),
      picture: ticks(speaker, file.whoLetsGo, "thread"),
      commands: ["deno task switch --only ticks"],
    };
  },

  races: experiment("races", "counter", ({ whoseTurn }) => whoseTurn, turnBars),

  cooperative(speaker, file) {
    return {
      seen: [...SEEN.inLoop(speaker, file), ...SEEN.racesInLoop(speaker, file)],
      picture: ticks(speaker, file.whoLetsGo, "event loop"),
      commands: ["deno task switch --only ticks,counter"],
    };
  },

  cost(speaker, { small, awaitCost }) {
    const started = small?.models.map(({ model, rounds }) => ({
      model,
      startMs: middle(rounds.map(({ startMs }) => startMs)),
    })).sort((a, b) => b.startMs - a.startMs)[0];
    return {
      seen: [
        speaker.tell("cost.small", { small, compared: small && speaker.compared(small) }),
        started && speaker.say("cost.start", started),
        awaitCost && speaker.say("cost.await", {
          plainNs: awaitCost.plainMs * NS_PER_MS,
          awaitedNs: awaitCost.awaitedMs * NS_PER_MS,
          times: awaitCost.awaitedMs / awaitCost.plainMs,
        }),
      ],
      picture: drawn(speaker, "cost.picture", small, times),
      commands: [
        "deno task cpu --start 5000000 --count 20",
        "deno task cpu --task fib-async --start 20 --count 20",
      ],
    };
  },

  bound(speaker, { io, files, cpu }) {
    const shares = Object.entries({ io, files, cpu }).flatMap(([key, of]) => {
      const value = busyShareOf(of);
      const name = speaker.say(`bound.bar.${key as "io" | "files" | "cpu"}`);
      if (value === undefined) return [];
      return [{ name, value, words: formatPercent(value), colour: chart.modelColour(BASELINE) }];
    });
    const list = shares.map(({ name, words }) => `${name} ${words}`).join(", ");
    return {
      seen: [shares.length > 0 ? speaker.say("bound.seen", { list }) : undefined],
      picture: barsOf(speaker, speaker.say("bound.picture"), shares),
      commands: ["deno task advise scripts/examples/mixed.ts"],
    };
  },

  io(speaker, { io }) {
    const [threads, slots] = [modelIn(io, "workers"), modelIn(io, "limited")];
    return {
      seen: [
        io && speaker.compared(io),
        speaker.against("io.threads", threads?.wallMs.median, slots?.wallMs.median, {
          ...{ threads, slots },
        }),
      ],
      picture: tasks(io, "io.picture", speaker),
      commands: ["deno task io", "deno task sweep io"],
    };
  },

  files(speaker, { files }) {
    const busyShare = busyShareOf(files);
    return {
      seen: [
        files && speaker.compared(files),
        // If other programs use the cores, a wait for a core looks like computing.
        busyShare !== undefined && boundOfShare(busyShare) === "cpu" && !wasShared(files!)
          ? speaker.say("files.memory", { busyShare })
          : undefined,
      ],
      picture: drawn(speaker, "files.picture", files, times),
      commands: ["deno task advise scripts/examples/save_files.ts --allow-read --allow-write"],
    };
  },

  sessions: experiment("sessions", "sessions", ({ whoseSession }) => whoseSession, sessionBars),

  cpu(speaker, { cpu }) {
    const onCores = cpu && { ...cpu, models: cpu.models.filter(({ device }) => !device) };
    const ceiling = (of: Comparison) =>
      passesCeiling(of.models, of.ceiling)
        ? "cpu.ceiling.passed"
        : wasShared(of)
        ? "cpu.ceiling.busy"
        : "cpu.ceiling";
    return {
      seen: [
        onCores && speaker.compared(onCores),
        cpu?.ceiling ? speaker.say(ceiling(cpu), cpu.ceiling) : undefined,
      ],
      picture: tasks(onCores, "cpu.picture", speaker),
      commands: ["deno task cpu", "deno task sweep cpu"],
    };
  },

  server: experiment("server", "server", ({ whoIsServed }) => whoIsServed, servedBars),

  gpu(speaker, { cpu }) {
    const card = cpu?.models.find(({ device }) => device);
    return {
      seen: [
        card && speaker.say("gpu.seen", {
          ...{ device: card.device, totalMs: card.wallMs.median, gain: speaker.gain(card) },
        }),
        card?.device?.software ? speaker.say("gpu.software") : undefined,
        cpu && !card ? speaker.say("gpu.none") : undefined,
      ],
      commands: ["deno task cpu --models sequential,workers,gpu"],
    };
  },

  when(speaker, { io, files, cpu, small }) {
    return {
      seen: Object.entries({ io, files, cpu, small }).map(([key, of]) =>
        of && speaker.say("when.job", {
          job: speaker.say(`job.${key as "io" | "files" | "cpu" | "small"}`),
          advice: adviceOn(speaker, of),
        })
      ),
      commands: ["deno task advise ./my_job.ts"],
    };
  },
} satisfies Readonly<Record<string, (speaker: Speaker, file: LessonFile) => Told>>;

export function ideasOf(file: LessonFile): Idea[] {
  const speaker = new Speaker(file.language);
  return (Object.keys(IDEAS) as (keyof typeof IDEAS)[]).map((id) => {
    const { seen, picture, commands }: Told = IDEAS[id](speaker, file);
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
