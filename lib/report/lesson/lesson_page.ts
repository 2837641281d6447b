/**
 * A lesson as a page: an idea a section, with its sentences, its picture and its commands.
 *
 * @module
 */

import { codeBlock, figure } from "../html/figure.ts";
import { type Markup, markup } from "../html/markup.ts";
import { renderDocument } from "../html/page.ts";
import { drawBars } from "../html/plot.ts";
import { sanitized } from "../html/sanitize.ts";
import { htmlTable } from "../table.ts";
import { drawTicks } from "../switching/switch_page.ts";
import { type Idea, ideasOf, type Picture, Speaker } from "./lesson_ideas.ts";
import { lessonRemarks, seenOf } from "./lesson_text.ts";
import type { LessonFile } from "./lesson_file.ts";

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
    : (width: number) =>
      drawTicks(
        { rows: picture.rows, watchedMs: file.whoLetsGo!.watchedMs },
        {
          title,
          axis: speaker.say("ticks.axis"),
          name: ({ where, awaits }) =>
            speaker.say(where === "thread" ? "ticks.thread" : `ticks.${awaits}`),
          came: ({ came, due }) => speaker.say("ticks.came", { came, due }),
          tick: (atMs, lateMs) =>
            speaker.say("ticks.tick", {
              at: speaker.duration(atMs),
              late: speaker.duration(lateMs),
            }),
        },
        width,
      );
  return figure({ id: `${id}-picture`, title, draw, steps: speaker.say("page.steps") });
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

/** Keeps figures and their units on one line. */
function unbroken(text: string): string {
  return text.replace(/(\d) ([mn]?s)\b/g, "$1\u00a0$2");
}

/** Writes a lesson as a page that opens from disk and offline. */
export function lessonPage(lesson: LessonFile): string {
  const file = sanitized(lesson);
  const speaker = new Speaker(file.language);
  const { where, remarks } = lessonRemarks(file);
  return renderDocument(
    speaker.say("page.title"),
    ideasOf(file).map((idea, at) => section(idea, at, speaker, file)),
    {
      kicker: speaker.say("page.kicker"),
      language: file.language,
      contents: speaker.say("page.contents"),
      intro: markup`<p>${speaker.say("page.intro")}</p><p class="where">${where}</p>${
        remarks.map((remark) => markup`<p class="partial">${remark}</p>`)
      }`,
    },
  );
}
