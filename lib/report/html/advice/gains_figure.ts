/**
 * What each model was predicted to gain, and what it gained when it was raced.
 *
 * @module
 */

import { counted } from "../../../text/format.ts";
import { figure } from "../figure.ts";
import { type Html, markup } from "../markup.ts";
import { modelColour } from "../palette.ts";
import { table } from "../table.ts";
import type { Advice, ModelAdvice } from "../../../advice/advice.ts";
import { MODEL_HEADS, modelCells } from "../../advice/advice_words.ts";
import { drawGains, type GainRow } from "./gains_chart.ts";

/** More models are never raced; a file may hold more. */
const MOST_ROWS = 40;

/** The table of all models: what the chart shows, and what it can't. */
function modelsTable(advice: Advice): Html {
  return table(
    `Gains against sequential, for ${counted(advice.horizon, "item")}`,
    MODEL_HEADS.map((name, i) => ({ name, figures: i > 0 && i < 5 })),
    advice.models.map((model) => modelCells({ advice, model })),
  );
}

function shown(gain: number): boolean {
  return gain > 0 && Number.isFinite(gain);
}

function rowOf(model: ModelAdvice, i: number, advice: Advice): GainRow {
  const chosen = model.name === advice.recommended.name;
  const plain = model.model === "sequential";
  const gain = model.measured?.gain ?? null;
  return {
    key: String(i),
    name: model.name.slice(0, 34),
    colour: modelColour(model.model),
    remark: chosen ? "recommended" : modelCells({ advice, model }).at(-1)!,
    chosen,
    // The plain loop against itself is 1 by definition, whatever the noise.
    predicted: plain ? { median: 1, low: 1, high: 1 } : {
      median: model.predictedGain,
      low: model.predictedGainLow,
      high: model.predictedGainHigh,
    },
    measured: !plain && gain !== null && shown(gain.median) ? gain : null,
    plain,
  };
}

/** Writes the figure of predicted and measured gains. */
export function gainsFigure(advice: Advice, id: string): Html {
  // The plain loop is what the others are held against; it has a row only where it is the advice.
  const rows = advice.models.map((model, i) => rowOf(model, i, advice))
    .filter(({ chosen, predicted, plain }) => shown(predicted.median) && (chosen || !plain));
  if (rows.every(({ plain }) => plain)) {
    return markup`<section id="${id}">${modelsTable(advice)}</section>`;
  }
  const raced = rows.some(({ measured }) => measured !== null);
  const { cores, ceiling } = advice.machine;
  const limit = ceiling < cores
    ? markup`The dashed line is the <b>ceiling</b>: what ${cores} independent processes that share
      nothing gain on this machine.`
    : markup`The dashed line is the number of cores.`;
  return figure({
    id,
    title: raced ? "What was predicted, and what was measured" : "What was predicted",
    lead: markup`Against one after the other, for ${counted(advice.horizon, "item")}. ${
      raced
        ? markup`<b>Bars</b> were measured, the fine line is the 95% interval; <b>circles</b>`
        : markup`<b>Circles</b>`
    } are predicted, with the prediction’s range. ${limit} It bounds computing; waiting
      takes no CPU.`,
    draw: (width) => drawGains(rows.slice(0, MOST_ROWS), advice.machine, width),
    note: rows.length > MOST_ROWS && `The first ${MOST_ROWS} models are drawn; the table has all.`,
    table: modelsTable(advice),
  });
}
