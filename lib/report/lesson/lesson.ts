/** The lesson as text, as Markdown, and as a page with pictures. */

import { wasShared } from "../comparison/comparison_report.ts";
import * as doc from "../document.ts";
import { codeBlock, markup, paragraphs, sanitized, unbroken } from "../html/markup.ts";
import { renderDocument } from "../html/page.ts";
import { Speaker } from "../speaker.ts";
import { paletteFor } from "../terminal.ts";
import { type Idea, ideasOf } from "./ideas.ts";
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

function section(idea: Idea, at: number, speaker: Speaker) {
  const { id, about, picture, commands } = idea;
  const title = `${at + 1}. ${idea.title}`;
  return {
    id,
    title,
    html: [
      markup`<p>${about}</p><p class="verdict">${unbroken(seenOf(idea, speaker))}</p>`,
      picture?.(id),
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
    ideasOf(file).map((idea, at) => section(idea, at, speaker)),
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
