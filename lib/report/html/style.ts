/**
 * The look of the page: its colours for light and dark mode, the colour of each model, and the style sheet
 * for phones, large screens, and paper.
 *
 * Blue and green are concurrency on this event loop, orange and magenta parallelism on this machine's
 * lanes, and grey is the plain `for` loop. These differ in lightness as well as hue, after Okabe and Ito's
 * "Color Universal Design" palette (2008), so that colour-blind readers can tell them apart. A test checks
 * that each colour has a contrast of 4.5 to 1 on the page as text (WCAG 2.2, 1.4.3).
 */

import css from "./page.css" with { type: "text" };
import { isModel, type Model, MODEL_TABLE, MODELS } from "../../models.ts";

/** The page's own colours, for light and for dark. */
const COLOURS = {
  paper: ["#fcfcf9", "#15171a"],
  panel: ["#f3f2ec", "#1e2125"],
  ink: ["#1c1e21", "#eceae4"],
  soft: ["#565b62", "#a9adb3"],
  line: ["#d9d7cd", "#3a3e44"],
  link: ["#0a58a8", "#8cc4ff"],
  bad: ["#b3261e", "#ff8a80"],
  warn: ["#fbf0d4", "#3a3017"],
  // For models that aren't in the table.
  other: ["#6a5a12", "#d6c15b"],
} as const;

type Scheme = Readonly<Record<keyof typeof COLOURS | Model, string>>;

function schemeOf(scheme: "light" | "dark"): Scheme {
  const own = Object.entries(COLOURS).map(([name, [light, dark]]) =>
    [name, scheme === "light" ? light : dark] as const
  );
  const models = MODELS.map((model) => [model, MODEL_TABLE[model].colour[scheme]] as const);
  return Object.fromEntries([...own, ...models]) as Scheme;
}

export const SCHEMES = { light: schemeOf("light"), dark: schemeOf("dark") } as const;

/** A model's colour, the same in every chart; unknown models share one. */
export function modelColour(model: string): string {
  return `var(--${isModel(model) ? model : "other"})`;
}

function schemeCss(scheme: Scheme): string {
  return Object.entries(scheme).map(([name, colour]) => `--${name}:${colour};`).join("");
}

export function pageStyle(): string {
  // Dark mode is for screens only: paper is white whatever the reader prefers.
  return `
:root{color-scheme:light dark;${schemeCss(SCHEMES.light)}}
@media screen and (prefers-color-scheme: dark){:root{${schemeCss(SCHEMES.dark)}}}
${css}`;
}
