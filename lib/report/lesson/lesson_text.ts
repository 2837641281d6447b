/** A lesson in short: its ideas with their figures, for the terminal and as Markdown. */

import { escapeMarkdown } from "../markdown.ts";
import { startText } from "../document.ts";
import { paletteFor, type Style } from "../terminal.ts";
import { type Idea, ideasOf } from "./lesson_ideas.ts";
import { Speaker } from "./speaker.ts";
import { comparisonsOf, type LessonFile } from "./lesson_file.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { plain, wrap } from "../../text/plain.ts";

/** Where it was measured, what speaks against its figures, a line each, and what a gain is. */
export function lessonRemarks(file: LessonFile) {
  const { environment, language, partial } = file;
  const speaker = new Speaker(language);
  const { cpus, cpuModel, os, arch, deno } = environment;
  const when = startText(environment);
  const measured = comparisonsOf(file);
  const busy = measured.some(({ others }) => others !== undefined && isBusy(others));
  const once = measured.some(({ models }) => models.some(({ rounds }) => rounds.length === 1));
  return {
    where: speaker.say("page.where", { cpus, cpu: cpuModel ?? arch, os, arch, deno, when }),
    remarks: [
      ...(environment.lanesAvailable === 1 ? [speaker.say("page.core")] : []),
      ...(busy ? [speaker.say("page.busy")] : []),
      ...(partial ? [speaker.say("page.partial")] : []),
    ],
    /** What a gain is. */
    gains: speaker.say(once ? "page.once" : "page.paired"),
  };
}

/** What an idea's figures say, or that there are none. */
export function seenOf({ seen }: Idea, speaker: Speaker): string {
  return seen.length > 0 ? seen.join(" ") : speaker.say("page.unmeasured");
}

/** Writes a lesson for a terminal. */
export function lessonText(file: LessonFile, style: Style): string {
  const speaker = new Speaker(file.language);
  const palette = paletteFor(style);
  const { where, remarks, gains } = lessonRemarks(file);
  const text = (line: string) => wrap(plain(line), style.columns - 3).replaceAll(/^/gm, "   ");
  return [
    palette.heading(wrap(speaker.say("page.title"), style.columns)),
    ...ideasOf(file).map((idea, at) =>
      [
        palette.heading(wrap(`${at + 1}. ${idea.title}`, style.columns, "   ")),
        text(seenOf(idea, speaker)),
        ...idea.commands.map((command) => palette.idle(text(command))),
      ].join("\n")
    ),
    ...remarks.map((remark) => palette.warning(wrap(remark, style.columns))),
    palette.idle(wrap(gains, style.columns)),
    palette.idle(wrap(plain(where), style.columns)),
  ].join("\n\n");
}

/** Writes a lesson for an issue. */
export function lessonMarkdown(file: LessonFile): string {
  const speaker = new Speaker(file.language);
  const { where, remarks, gains } = lessonRemarks(file);
  const ideas = ideasOf(file).map((idea, at) =>
    [
      `### ${at + 1}. ${escapeMarkdown(idea.title)}`,
      escapeMarkdown(idea.about),
      escapeMarkdown(seenOf(idea, speaker)),
      idea.commands.map((command) => `- \`${command}\``).join("\n"),
    ].join("\n\n")
  );
  return [
    `## ${escapeMarkdown(speaker.say("page.title"))}`,
    ...ideas,
    ...[...remarks, gains].map(escapeMarkdown),
    `<sub>${escapeMarkdown(where)}</sub>`,
  ].join("\n\n") + "\n";
}
