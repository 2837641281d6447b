/** A lesson as a page: an idea a section, with its sentences, its picture and its commands. */

import * as Plot from "@observablehq/plot";
import { codeBlock, figure } from "../html/figure.ts";
import { type Markup, markup, unbroken } from "../html/markup.ts";
import { renderDocument } from "../html/page.ts";
import { BESIDE, drawBars, isWide, plotToSvg, timeAxis, timeTicks } from "../html/plot.ts";
import { sanitized } from "../html/sanitize.ts";
import { modelColour } from "../html/style.ts";
import { htmlTable } from "../table.ts";
import { drawTicks } from "../switching/switch_page.ts";
import { type Idea, ideasOf, type Picture } from "./lesson_ideas.ts";
import { Speaker } from "./speaker.ts";
import { lessonRemarks, seenOf } from "./lesson_text.ts";
import type { LessonFile } from "./lesson_file.ts";
import type { ModelResult } from "../../timing/result.ts";

function drawn(picture: Picture, id: string, speaker: Speaker, file: LessonFile): Markup {
  const { title } = picture;
  if (picture.kind === "table") {
    const { heads, rows } = picture;
    const columns = heads.map((head, at) => ({
      head,
      left: at === 0 || at === heads.length - 1,
      cell: (cells: readonly string[]) => cells[at]!,
    }));
    return htmlTable(title, columns, rows);
  }
  const draw = picture.kind === "bars"
    ? (width: number) => drawBars(picture.bars, { title, width })
    : picture.kind === "tasks"
    ? (width: number) => drawTasks(picture.models, { title, width, speaker })
    : (width: number) =>
      drawTicks(
        { rows: picture.rows, watchedMs: file.whoLetsGo!.watchedMs },
        {
          title,
          axis: speaker.say("ticks.axis"),
          name: ({ where, awaits }) =>
            speaker.say(where === "thread" ? "ticks.thread" : `ticks.${awaits}`),
          came: (row) => speaker.say("ticks.came", row),
          tick: (atMs, lateMs) => speaker.say("ticks.tick", { atMs, lateMs }),
        },
        width,
      );
  return figure({ id: `${id}-picture`, title, draw, steps: speaker.say("page.steps") });
}

const PANEL_HEIGHT = 72;
/** Its lower part; above stands the model's name. */
const TASKS_HEIGHT = 48;
const LEAST_STROKE = 1.5;

/** Draws every task of each model as a stroke in time, those that started later below. */
function drawTasks(
  models: readonly ModelResult[],
  { title, width, speaker }: { title: string; width: number; speaker: Speaker },
): string {
  const panels = models.flatMap(({ model, rounds, timeline }) => {
    if (timeline === undefined) return [];
    const { startMs = 0 } = rounds.find(({ round }) => round === timeline.round) ?? {};
    const tasks = timeline.startedMs.map((ms, at) => ({
      fromMs: startMs + ms,
      toMs: startMs + timeline.endedMs[at]!,
    })).sort((a, b) => a.fromMs - b.fromMs);
    const endMs = tasks.reduce((end, { toMs }) => Math.max(end, toMs), 0);
    return [{ model, colour: modelColour(model), tasks, endMs, words: speaker.duration(endMs) }];
  }).map((panel, at) => ({ ...panel, top: at * PANEL_HEIGHT }));
  const strokes = panels.flatMap(({ model, colour, tasks, top }) => {
    const height = TASKS_HEIGHT / tasks.length;
    const first = top + PANEL_HEIGHT - TASKS_HEIGHT;
    return tasks.map(({ fromMs, toMs }, at) => ({
      ...{
        colour,
        fromMs,
        toMs,
        top: first + at * height,
        bottom: first + at * height + Math.max(LEAST_STROKE, height),
      },
      title: `${model}: ${speaker.duration(fromMs)} – ${speaker.duration(toMs)}`,
    }));
  });
  const middle = PANEL_HEIGHT - TASKS_HEIGHT / 2;
  const endMs = Math.max(1, ...panels.map(({ endMs }) => endMs));
  return plotToSvg({
    ...{ width, marginLeft: 10, marginRight: 70, marginTop: 0, marginBottom: 30 },
    height: panels.length * PANEL_HEIGHT + 36,
    x: { domain: [0, endMs] },
    y: { type: "identity", axis: null },
    marks: [
      Plot.rect(strokes, {
        ...{ x1: "fromMs", x2: "toMs", y1: "top", y2: "bottom", fill: "colour", title: "title" },
      }),
      Plot.text(panels, {
        ...{ x: 0, y: ({ top }) => top + 12, text: "model", fill: "colour" },
        ...{ textAnchor: "start", className: "strong" },
      }),
      Plot.text(panels, {
        ...{ x: "endMs", y: ({ top }) => top + middle, text: "words", ...BESIDE },
      }),
      timeAxis(timeTicks(endMs, isWide(width) ? 8 : 4), (ms) => speaker.duration(ms)),
    ],
  }, { title, description: panels.map(({ model, words }) => `${model}: ${words}`).join("; ") });
}

function section(idea: Idea, at: number, speaker: Speaker, file: LessonFile) {
  const { id, about, picture, commands } = idea;
  const title = `${at + 1}. ${idea.title}`;
  return {
    id,
    title,
    html: markup`<p>${about}</p><p class="verdict">${unbroken(seenOf(idea, speaker))}</p>${
      picture && drawn(picture, id, speaker, file)
    }<p class="note">${speaker.say("page.more")}</p>${codeBlock(title, commands.join("\n"))}`,
  };
}

/** Writes a lesson as a page that opens from disk and offline. */
export function lessonPage(lesson: LessonFile): string {
  const file = sanitized(lesson);
  const speaker = new Speaker(file.language);
  const { where, remarks, gains } = lessonRemarks(file);
  return renderDocument(
    speaker.say("page.title"),
    ideasOf(file).map((idea, at) => section(idea, at, speaker, file)),
    {
      kicker: speaker.say("page.kicker"),
      language: file.language,
      contents: speaker.say("page.contents"),
      intro: markup`<p>${speaker.say("page.intro")} ${gains}</p><p class="where">${where}</p>${
        remarks.map((remark) => markup`<p class="partial">${remark}</p>`)
      }`,
    },
  );
}
