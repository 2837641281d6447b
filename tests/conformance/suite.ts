/**
 * One suite for all models: each guarantee is a test for each model that can give it, and the table at the end
 * shows which held. A check that didn't run shows as "·".
 *
 * Over several machines the suite takes as long as over all other models, so it has a separate file that can
 * run beside theirs.
 */

import Table from "cli-table3";
import type { Model } from "../../lib/mod.ts";
import { CALLS } from "./calls.ts";
import { CANCEL } from "./cancel.ts";
import { CLEANUP } from "./cleanup.ts";
import { CRASHES } from "./crashes.ts";
import { DEADLINES } from "./deadlines.ts";
import { ENDINGS } from "./endings.ts";
import { ERRORS } from "./errors.ts";
import { clusterServer, type Guarantee, SUBJECTS, whyNot } from "./guarantee.ts";
import { LAZINESS } from "./laziness.ts";
import { LIMITS } from "./limits.ts";
import { NEIGHBOURS } from "./neighbours.ts";
import { ODD_USE } from "./odd_use.ts";
import { oneFailure } from "./one_failure.ts";
import { ORDER } from "./order.ts";
import { OUTCOMES } from "./outcomes.ts";
import { PAUSING } from "./pausing.ts";
import { REPLACING } from "./replacing.ts";
import { RETRIES } from "./retries.ts";
import { TRANSFER } from "./transfer.ts";
import { SET_UP } from "./set_up.ts";
import { VALUES } from "./values.ts";
import { hasAdapter } from "../gpu_adapter.ts";
import { hasNats, LaneProcess, NatsServer } from "../nats_server.ts";
import { grantedAll } from "../granted.ts";

const THEMES: readonly (readonly [string, readonly Guarantee[]])[] = [
  ["laziness", LAZINESS],
  ["order", ORDER],
  ["limits", LIMITS],
  ["outcomes", OUTCOMES],
  ["calls", CALLS],
  ["retries", RETRIES],
  ["deadlines", DEADLINES],
  ["cancel", CANCEL],
  ["crashes", CRASHES],
  ["errors", ERRORS],
  ["clean-up", CLEANUP],
  ["values", VALUES],
  ["transfer", TRANSFER],
  ["endings", ENDINGS],
  ["neighbours", NEIGHBOURS],
  ["set-up", SET_UP],
  ["pausing", PAUSING],
  ["replacing", REPLACING],
  ["odd use", ODD_USE],
];

const mayRun = grantedAll();
const lacks: Partial<Record<Model, boolean>> = { gpu: !hasAdapter, cluster: !hasNats };

/** Registers the tests of some models. */
export function runSuite(takes: (model: Model) => boolean): void {
  const subjects = SUBJECTS.filter(({ model }) => takes(model));
  const models = subjects.map(({ model }) => model);
  const cells = new Map<string, string>();
  const machines = new AsyncDisposableStack();

  Deno.test.beforeAll(async () => {
    if (!mayRun || !hasNats || !models.includes("cluster")) return;
    const server = machines.use(await NatsServer.start());
    clusterServer.url = server.url;
    // deno-fmt-ignore
    machines.use(await LaneProcess.start(server.url, ["--lanes", "8", "--allow-net=127.0.0.1",
    "--allow-module", new URL("..", import.meta.url).pathname, "--allow-module", "data:"]));
  });

  for (const [theme, guarantees] of THEMES) {
    for (const guarantee of guarantees) {
      for (const subject of subjects) {
        const cell = `${guarantee.name} ${subject.model}`;
        if (whyNot(guarantee, subject.model) !== undefined) continue;
        Deno.test({
          name: `${subject.model}, ${theme}: ${guarantee.name}`,
          ignore: !mayRun || lacks[subject.model] === true,
          async fn(t) {
            // A step returns whether it passed, leaks included; a test doesn't.
            const check = oneFailure(() => guarantee.check(subject));
            const holds = await t.step("holds, and leaves nothing", check);
            cells.set(cell, holds ? "✓" : "✗");
          },
        });
      }
    }
  }

  Deno.test.afterAll(async () => {
    await machines.disposeAsync();
    const table = new Table({
      head: ["guarantee", ...models],
      colWidths: [76],
      wordWrap: true,
      style: { head: [], border: [], compact: true },
    });
    const notes: string[] = [];
    for (const [theme, guarantees] of THEMES) {
      for (const guarantee of guarantees) {
        const { name } = guarantee;
        const row = models.map((model) => {
          const reason = whyNot(guarantee, model);
          if (reason === undefined) return cells.get(`${name} ${model}`) ?? "·";
          if (!notes.includes(reason)) notes.push(reason);
          return `n/a ${notes.indexOf(reason) + 1}`;
        });
        table.push([`${theme}: ${name}`, ...row]);
      }
    }
    console.log(table.toString());
    for (const [at, note] of notes.entries()) console.log(`n/a ${at + 1}: ${note}`);
  });
}
