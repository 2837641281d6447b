/** What a finding is: its kind, with the figures that the words of that kind need. */

/** The findings for whose kinds there are words: by each kind, its figures in a sentence. */
export type FindingOf<Words> = {
  [Kind in keyof Words]: Words[Kind] extends (figures: infer Figures) => string
    ? { readonly kind: Kind } & Readonly<Figures>
    : never;
}[keyof Words];
