/**
 * The page's colours, for light and for dark, and which model has which.
 *
 * Cool colours are concurrency on this event loop, warm ones are parallelism on lanes of their own,
 * the plain `for` loop is neutral. The five differ in lightness as well as hue, after Okabe and Ito's
 * "Color Universal Design" palette (2008), so that they stay apart for colour-blind readers; every
 * one reaches a contrast of 4.5 to 1 on the page as text (WCAG 2.2, 1.4.3), which a test checks.
 *
 * @module
 */

import { isModel, type Model, MODEL_TABLE, MODELS } from "../../models.ts";

/** What a colour is for: page, text, and models. */
export type ColourName =
  | "paper"
  | "panel"
  | "ink"
  | "soft"
  | "line"
  | "link"
  | "bad"
  | "warn"
  | "other"
  | Model;

/** The colours of one scheme, by name. */
export type Scheme = Readonly<Record<ColourName, string>>;

function modelColours(scheme: "light" | "dark"): Record<Model, string> {
  const colours = MODELS.map((model) => [model, MODEL_TABLE[model].colour[scheme]]);
  return Object.fromEntries(colours) as Record<Model, string>;
}

const LIGHT: Scheme = {
  paper: "#fcfcf9",
  panel: "#f3f2ec",
  ink: "#1c1e21",
  soft: "#565b62",
  line: "#d9d7cd",
  link: "#0a58a8",
  bad: "#b3261e",
  warn: "#fbf0d4",
  ...modelColours("light"),
  other: "#6a5a12",
};

const DARK: Scheme = {
  paper: "#15171a",
  panel: "#1e2125",
  ink: "#eceae4",
  soft: "#a9adb3",
  line: "#3a3e44",
  link: "#8cc4ff",
  bad: "#ff8a80",
  warn: "#3a3017",
  ...modelColours("dark"),
  other: "#d6c15b",
};

/** The two schemes. */
export const SCHEMES: { readonly light: Scheme; readonly dark: Scheme } = {
  light: LIGHT,
  dark: DARK,
};

/**
 * A model's colour, the same in every chart.
 *
 * @param model Its name; unknown ones share one colour.
 */
export function modelColour(model: string): string {
  return `var(--${isModel(model) ? model : "other"})`;
}

/** A scheme as CSS custom properties. */
export function schemeCss(scheme: Scheme): string {
  return Object.entries(scheme).map(([name, colour]) => `--${name}:${colour};`).join("");
}
