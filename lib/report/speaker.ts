/** The texts of the lesson and the experiments in each language, with figures put in. */

import { AS_GOOD } from "../judge/thresholds.ts";
import { BASELINE, type Model, MODEL_TABLE } from "../models.ts";
import { fill } from "../text/fill.ts";
import { formatCount, formatDuration, formatNumber, formatPercent } from "../text/format.ts";
import type { Comparison, ModelResult } from "../timing/result.ts";
import en from "./en.json" with { type: "json" };
import ko from "./ko.json" with { type: "json" };

/** The languages that a lesson is given in. */
export const LANGUAGES = ["en", "ko"] as const;

export type Language = typeof LANGUAGES[number];

/** The texts of one language, by key; `{name}` stands for a value. */
type Texts = typeof en;

export type TextKey = keyof Texts;

export const TEXTS: Readonly<Record<Language, Texts>> = { en, ko };

export class Speaker {
  readonly #texts: Texts;

  constructor(language: Language) {
    this.#texts = TEXTS[language];
  }

  /**
   * A text with its values put in, each named by its path in `values`. The end of the name decides how it is
   * shown: as milliseconds, nanoseconds, a share, a ratio, or a count.
   */
  say(key: TextKey, values: object = {}): string {
    return fill(this.#texts[key], values, (name, value) => {
      return typeof value === "number" ? this.#figure(name, value) : String(value ?? "");
    });
  }

  /** The text as by `say`; undefined if one of the values wasn't measured. */
  tell(key: TextKey, values: object): string | undefined {
    return Object.values(values).includes(undefined) ? undefined : this.say(key, values);
  }

  /** Says how one time compares with another; undefined unless both were measured. */
  against(
    key: "io.threads" | "server.threads",
    ms: number | undefined,
    otherMs: number | undefined,
    values: object,
  ): string | undefined {
    if (ms === undefined || otherMs === undefined) return undefined;
    const ratio = ms / otherMs;
    const how = ratio > AS_GOOD ? "slower" : ratio < 1 / AS_GOOD ? "faster" : "same";
    return this.say(`${key}.${how}`, { ...values, times: Math.max(ratio, 1 / ratio) });
  }

  #figure(name: string, value: number): string {
    if (name.endsWith("Ms")) return this.duration(value);
    if (name.endsWith("Ns")) return formatNumber(value) + this.say("unit.ns");
    if (name.endsWith("Share")) return formatPercent(value);
    return /(times|speedup)$/.test(name) ? formatNumber(value) : formatCount(value);
  }

  duration(ms: number): string {
    return formatDuration(ms).replace(
      /(?:\.0+)? (m?s)$/,
      (_, unit: "s" | "ms") => this.say(`unit.${unit}`),
    );
  }

  gain({ speedup }: Pick<ModelResult, "speedup">): string {
    if (speedup === null) return this.say("gain.unknown");
    const { median, low, high } = speedup;
    if (low > 1) return this.say("gain.faster", { times: median });
    if (high < 1) return this.say("gain.slower", { times: 1 / median });
    return this.say("gain.none");
  }

  how(of: ModelResult): string {
    const key = `how.${of.model}`;
    return this.say(Object.hasOwn(this.#texts, key) ? key as TextKey : "how.other", of);
  }

  /** A model's equivalent in Python: in words if there is a text for it, else as code. */
  inPython(model: Model): string {
    const key = `python.${model}`;
    return Object.hasOwn(this.#texts, key)
      ? this.say(key as TextKey)
      : MODEL_TABLE[model].python.io;
  }

  compared({ models }: Comparison): string {
    const base = models.find(({ model }) => model === BASELINE);
    const others = models.filter((of) => of !== base);
    if (base === undefined || others.length === 0) return this.say("gain.unknown");
    const list = others.map((of) =>
      this.say("took", { how: this.how(of), totalMs: of.wallMs.median, gain: this.gain(of) })
    ).join(", ");
    const all = this.say("compared", { totalMs: base.wallMs.median, list });
    const gained = others.some(({ speedup }) => speedup !== null && speedup.low > 1);
    return gained ? all : `${all} ${this.say("compared.none")}`;
  }
}
