/**
 * A race as a part of a page.
 *
 * @module
 */

import { counted } from "../../text/format.ts";
import { inert } from "../html/inert.ts";
import { markup } from "../html/markup.ts";
import type { PagePart } from "../html/parts.ts";
import { table } from "../html/table.ts";
import type { PeersFile, PeersRow } from "./peers_result.ts";
import {
  comparisonText,
  familySentence,
  resultText,
  summarySentences,
  troubleLines,
} from "./peers_words.ts";

/** A reason may be a few sentences. */
const MOST_CHARACTERS = 1000;

function contest(name: string, rows: readonly PeersRow[]) {
  return table(
    name,
    [{ name: "contender" }, { name: "median (least–greatest)", figures: true }, {
      name: "this library is",
    }],
    rows.map((row) => [
      row.ours ? markup`<b>${row.contender}</b>` : row.contender,
      resultText(row),
      comparisonText(row),
    ]),
  );
}

/** A race, with nothing in it that could become markup, run, or reach the network. */
export function peersPart(
  file: PeersFile,
  { id = "peers", alone = true }: { readonly id?: string; readonly alone?: boolean } = {},
): PagePart {
  const { rows, environment, rounds, partial = false } = inert(file, MOST_CHARACTERS);
  const families = [...Map.groupBy(rows, ({ family }) => family)];
  const troubles = troubleLines(rows);
  const html = markup`${
    families.map(([family, of]) =>
      markup`<p class="lead">${familySentence(family) || family}</p>${
        [...Map.groupBy(of, (row) => row.contest)].map(([name, contenders]) =>
          contest(name, contenders)
        )
      }`
    )
  }${
    troubles.length > 0 &&
    markup`<ul class="notices">${troubles.map((line) => markup`<li>${line}</li>`)}</ul>`
  }`;
  const summary = summarySentences(rows);
  return {
    title: "This library against others",
    did: "raced",
    headlines: [{ id, name: "Against others", text: summary[0]! }],
    sections: [{
      id,
      title: alone ? "Who is faster" : "This library against others",
      html: markup`<p class="verdict">${summary.join(" ")}</p>${html}`.text,
    }],
    environment,
    jobs: [
      markup`${counted(new Set(rows.map((row) => row.contest)).size, "contest")}, ${
        counted(rounds, "round")
      }`,
    ],
    name: "The race against others",
    partial,
    method: {
      name: "How others are raced",
      html:
        markup`<p>Every run is a process of its own, counts only if its results are right, and takes turns
        with the others in shuffled order. Speeds are compared round by round; the interval is the 95 % one.</p>`,
    },
  };
}
