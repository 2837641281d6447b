/**
 * Where advice on a labelled job isn't what the label says.
 *
 * @module
 */

import type { Advice } from "../../lib/advice/advice.ts";
import type { Label } from "../../tests/advice/labelled/labels.ts";

/** What is wrong, a few words each; none if the advice is as it should be. */
export function shortfalls(label: Label, advice: Advice): string[] {
  const { models, hazard, noHazard, bound } = label;
  const kinds = advice.hazards.map(({ kind }) => kind);
  return [
    ...(advice.bound === bound ? [] : [`${bound} taken for ${advice.bound}`]),
    // Who can't tell on a busy machine isn't wrong.
    ...(models === undefined || models.includes(advice.recommended.model) ||
        advice.recommended.decision === "can't tell"
      ? []
      : [`not ${models.join(" or ")}`]),
    ...(hazard === undefined || kinds.includes(hazard) ? [] : [`no word on ${hazard}`]),
    ...(noHazard === undefined || !kinds.includes(noHazard) ? [] : [`${noHazard} seen`]),
  ];
}
