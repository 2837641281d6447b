/** The type of a finding: its kind, with the figures that the words for that kind need. */

/** The findings for which `Words` has a sentence: each kind with its figures. */
export type FindingOf<Words> = {
  [Kind in keyof Words]: Words[Kind] extends (figures: infer Figures) => string
    ? { readonly kind: Kind } & Readonly<Figures>
    : never;
}[keyof Words];
