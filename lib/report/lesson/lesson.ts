/** The lesson as text, as Markdown, and as a page with pictures. */

import type { ModelResult } from "../../timing/result.ts";
import { wasShared } from "../comparison/comparison_report.ts";
import * as doc from "../document.ts";
import {
  codeBlock,
  figure,
  type Html,
  type Markup,
  markup,
  paragraphs,
  sanitized,
  unbroken,
} from "../html/markup.ts";
import { renderDocument } from "../html/page.ts";
import { modelColour } from "../html/style.ts";
import * as chart from "../html/svg.ts";
import { startUpMs, tasksOf } from "../slots.ts";
import { Speaker } from "../speaker.ts";
import { drawTicks } from "../switching/switch_words.ts";
import { paletteFor } from "../terminal.ts";
import { type Idea, ideasOf, type Picture } from "./ideas.ts";
import { comparisonsOf, type LessonFile } from "./lesson_file.ts";

/** Where the lesson was measured, a line for each doubt about its figures, and what a gain means. */
function lessonRemarks(file: LessonFile) {
  const { environment, language, partial } = file;
  const speaker = new Speaker(language);
  const { cpus, cpuModel, os, arch, deno } = environment;
  const when = doc.startText(environment);
  const measured = comparisonsOf(file);
  const busy = measured.some(wasShared);
  const once = measured.some(({ models }) => models.some(({ rounds }) => rounds.length === 1));
  return {
    where: speaker.say("page.where", { cpus, cpu: cpuModel ?? arch, os, arch, deno, when }),
    remarks: [
      ...(environment.lanesAvailable === 1 ? [speaker.say("page.core")] : []),
      ...(busy ? [speaker.say("page.busy")] : []),
      ...(partial ? [speaker.say("page.partial")] : []),
    ],
    gains: speaker.say(once ? "page.once" : "page.paired"),
  };
}

/** The sentences on an idea's figures, or that there are none. */
function seenOf({ seen }: Idea, speaker: Speaker): string {
  return seen.length > 0 ? seen.join(" ") : speaker.say("page.unmeasured");
}

/** The lesson for a terminal and as Markdown; only Markdown has the explanation of each idea. */
export function lessonReport(file: LessonFile): doc.Block {
  const speaker = new Speaker(file.language);
  const { where, remarks, gains } = lessonRemarks(file);
  const { text } = doc.paragraph(where, "idle");
  return doc.documentOf([
    doc.heading(speaker.say("page.title"), "", 2),
    ...ideasOf(file).map((idea, at) =>
      doc.together(
        doc.heading(`${at + 1}. ${idea.title}`, "   "),
        { ...doc.paragraph(idea.about), text: () => "" },
        doc.indented(doc.paragraph(seenOf(idea, speaker)), 3),
        commandLines(idea.commands),
      )
    ),
    ...remarks.map((remark) => doc.paragraph(remark, "warning")),
    doc.paragraph(gains, "idle"),
    { text, markdown: () => `<sub>${doc.escapeMarkdown(where)}</sub>` },
  ]);
}

/** Commands aren't wrapped, so that they can be copied from a narrow terminal too. */
function commandLines(commands: readonly string[]): doc.Block {
  return {
    text: (style) => commands.map((of) => paletteFor(style).idle(`   ${of}`)).join("\n"),
    markdown: () => commands.map((command) => `- \`${command}\``).join("\n"),
  };
}

function drawn(picture: Picture, id: string, speaker: Speaker, file: LessonFile): Markup {
  const { title } = picture;
  if (picture.kind === "table") {
    const { heads, rows } = picture;
    const columns = heads.map((head, at) => ({
      head,
      left: at === 0 || at === heads.length - 1,
      cell: (cells: readonly string[]) => cells[at]!,
    }));
    return doc.htmlTable(title, columns, rows);
  }
  const draw = picture.kind === "bars"
    ? (width: number) => chart.drawBars(picture.bars, { title, width })
    : picture.kind === "tasks"
    ? (width: number) => drawTasks(picture.models, { title, width, speaker })
    : (width: number) =>
      drawTicks({ ...file.whoLetsGo!, rows: picture.rows }, { title, width, speaker });
  return figure({ id: `${id}-picture`, title, draw, steps: speaker.say("page.steps") });
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
    return [{ model, fill: modelColour(model), tasks, endMs, words: speaker.duration(endMs) }];
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

function section(idea: Idea, at: number, speaker: Speaker, file: LessonFile) {
  const { id, about, picture, commands } = idea;
  const title = `${at + 1}. ${idea.title}`;
  return {
    id,
    title,
    html: [
      markup`<p>${about}</p><p class="verdict">${unbroken(seenOf(idea, speaker))}</p>`,
      picture && drawn(picture, id, speaker, file),
      paragraphs("note", [speaker.say("page.more")]),
      codeBlock(title, commands.join("\n")),
    ],
  };
}

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
      intro: [
        markup`<p>${speaker.say("page.intro")} ${gains}</p><p class="where">${where}</p>`,
        paragraphs("partial", remarks),
      ],
    },
  );
}
