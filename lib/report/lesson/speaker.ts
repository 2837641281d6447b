/**
 * A lesson's language: its texts, which are all in `en.json` and `ko.json`, and how figures and gains are
 * said in it.
 */

import en from "./en.json" with { type: "json" };
import ko from "./ko.json" with { type: "json" };
import type { Language } from "./lesson_file.ts";
import { BASELINE, type Model, MODEL_TABLE } from "../../models.ts";
import { formatDuration, formatNumber } from "../../text/format.ts";
import type { Comparison, ModelResult } from "../../timing/result.ts";

/** The texts of one language, by key; `{name}` stands for a value. */
export type Texts = typeof en;

/** What a text is known by. */
export type Key = keyof Texts;

/** The texts of every language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { en, ko };

/** Says things in one language. */
export class Speaker {
  readonly #texts: Texts;

  constructor(language: Language) {
    this.#texts = TEXTS[language];
  }

  /** A text with its values put in. */
  say(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
    return this.#texts[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new TypeError(`Cannot say ${key}: ${name} is missing`);
      return String(value);
      // Of one there is no plural, in the language that has plurals.
    }).replaceAll(/(?<![\d.,])1 (thread|process|slot)e?s\b/g, "1 $1");
  }

  duration(ms: number): string {
    return formatDuration(ms).replace(
      /(?:\.0+)? (m?s)$/,
      (_, unit: "s" | "ms") => this.say(`unit.${unit}`),
    );
  }

  nanoseconds(ns: number): string {
    return formatNumber(ns) + this.say("unit.ns");
  }

  /** What a model gained over one after another. */
  gain({ speedup }: Pick<ModelResult, "speedup">): string {
    if (speedup === null) return this.say("gain.unknown");
    const { median, low, high } = speedup;
    if (low > 1) return this.say("gain.faster", { times: formatNumber(median) });
    if (high < 1) return this.say("gain.slower", { times: formatNumber(1 / median) });
    return this.say("gain.none");
  }

  /** How a model does it. */
  how({ model, lanes, slots }: ModelResult): string {
    const key = `how.${model}`;
    const values = { model, lanes, slots: slots ?? "" };
    return this.say(Object.hasOwn(this.#texts, key) ? key as Key : "how.other", values);
  }

  /** What a model is in Python; code where it is nothing else. */
  inPython(model: Model): string {
    const key = `python.${model}`;
    return Object.hasOwn(this.#texts, key) ? this.say(key as Key) : MODEL_TABLE[model].python.io;
  }

  /** All models of a comparison in a sentence or two. */
  compared({ models }: Comparison): string {
    const base = models.find(({ model }) => model === BASELINE);
    const others = models.filter((of) => of !== base);
    if (base === undefined || others.length === 0) return this.say("gain.unknown");
    const list = others.map((of) => {
      const time = this.duration(of.wallMs.median);
      return this.say("took", { how: this.how(of), time, gain: this.gain(of) });
    });
    const all = this.say("compared", {
      time: this.duration(base.wallMs.median),
      list: list.join(", "),
    });
    const gained = others.some(({ speedup }) => speedup !== null && speedup.low > 1);
    return gained ? all : `${all} ${this.say("compared.none")}`;
  }
}
