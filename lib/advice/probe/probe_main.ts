/**
 * What runs in a probe's own process: loads a job, runs a sample of it one after the other, and says
 * what each task took. It imports no npm package.
 *
 * @module
 */

import type { Items } from "../../dispatch/options.ts";
import type { TaskFunction } from "../../lanes/task.ts";
import { meetParent } from "../../timing/parent.ts";
import { profiledRun } from "../profile/profiled_run.ts";
import { spreadItems } from "../../timing/spread.ts";
import { backwardsChecksum } from "./backwards.ts";
import type { Exports, ProbeMessage, ProbeOrder } from "./probe_message.ts";
import { Sampler } from "./sampler.ts";
import { thrownBy } from "./thrown.ts";

type Module = Record<string, unknown>;

function isIterable(value: unknown, symbol: symbol): boolean {
  return (typeof value === "object" || typeof value === "string") && value !== null &&
    symbol in Object(value);
}

function exportsOf(module: Module, name: string): Exports {
  const { items, title } = module;
  return {
    ...(typeof title === "string" && { title }),
    items: items === undefined
      ? "missing"
      : typeof items === "function"
      ? "function"
      : isIterable(items, Symbol.iterator)
      ? "iterable"
      : isIterable(items, Symbol.asyncIterator)
      ? "async iterable"
      : "not iterable",
    task: typeof module[name],
    setup: typeof module.setup === "function",
    teardown: typeof module.teardown === "function",
    reset: typeof module.reset === "function",
    functions: Object.keys(module).filter((key) => typeof module[key] === "function"),
  };
}

async function main(): Promise<void> {
  // Nothing here could stop a task: SIGTERM may as well end the process.
  const { order, inbox, writer } = await meetParent<ProbeOrder>({ heedsTerm: false });
  const say = (message: ProbeMessage) => writer.write(message);
  const breaks = (where: string) => (error: unknown) => {
    say({ type: "broken", where, error: thrownBy(error) });
    Deno.exit(0);
  };
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    breaks("a promise that nobody awaits")(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    breaks("a callback")(event.error);
  });
  const module: Module = await import(order.module).catch(breaks("the module"));
  const exports = exportsOf(module, order.export);
  say({ type: "loaded", exports });
  if (order.dry || exports.task !== "function" || /missing|not/.test(exports.items)) Deno.exit(0);
  say({ type: "phase", phase: "setup" });
  await hook(module, "setup").catch(breaks("setup"));
  const task = module[order.export] as TaskFunction;
  say({ type: "phase", phase: "items" });
  await hook(module, "reset").catch(breaks("reset"));
  const open = async () => {
    const { items } = module;
    const made = await (typeof items === "function" ? items() : items) as Items<unknown>;
    return order.spread ? spreadItems(made, order.first) : made;
  };
  const items = await open().catch(breaks("items"));
  if (order.backwards) {
    const checksum = await backwardsChecksum(items, order.limit, task).catch(breaks("items"));
    say({ type: "checksum", checksum });
    await hook(module, "teardown").catch(breaks("teardown"));
    Deno.exit(0);
  }
  if (order.profile !== undefined) {
    const ran = await profiledRun(items, order.limit, order.profile, task).catch(breaks("items"));
    await hook(module, "teardown").catch(breaks("teardown"));
    if (ran !== undefined) say({ type: "profiled", ...ran });
    Deno.exit(0);
  }
  const probe = new Sampler(order, task, say, async () => {
    say({ type: "meter" });
    await inbox.next();
  });
  await probe.run(items).catch(breaks("items"));
  for (let next = await inbox.next(); next !== undefined; next = await inbox.next()) {
    const { checksum } = JSON.parse(next) as { checksum: number };
    say({ type: "checksum", checksum: await probe.checksum(checksum) });
  }
  await hook(module, "teardown").catch(breaks("teardown"));
  Deno.exit(0);
}

async function hook(module: Module, name: string): Promise<void> {
  if (typeof module[name] === "function") await (module[name] as () => unknown)();
}

if (import.meta.main) await main();
