/** The program of the job's own process. It imports no npm package. */

import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { connectToParent, refuseStdin } from "../children/parent.ts";
import { attempt } from "../lanes/attempt.ts";
import { endWithParent } from "../lanes/remote/endings.ts";
import { isFixed, isRemote } from "../models.ts";
import { hook, openItems, prepare } from "../timing/job_items.ts";
import { openModel } from "../timing/trial_main.ts";
import { ItemsLeft } from "./items_left.ts";
import { KnownItems } from "./known_items.ts";
import { brokenBy, RunHere } from "./run_here.ts";
import { RUN_BEAT_MS, type RunCommand, type RunMessage, type RunOrder } from "./run_message.ts";

/**
 * How long a lane's teardown, a task past its deadline, and after Ctrl-C the job's code outside tasks (such
 * as `prepare`) may take, in milliseconds.
 */
const GRACE_MS = 2000;

/** Thrown when the run was asked to finish and code outside tasks hasn't ended within its grace time. */
class Stopped extends Error {}

/** Items that the parent reads and sends, as many as have come, and only when there is room for them. */
class FedItems implements AsyncIterableIterator<unknown> {
  #items: Iterator<unknown> = [].values();
  #last = false;
  #waiter: PromiseWithResolvers<void> | undefined;

  constructor(private readonly ask: () => void) {}

  come(items: readonly unknown[], last: boolean): void {
    this.#items = items.values();
    this.#last = last;
    this.#waiter?.resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (true) {
      const next = this.#items.next();
      if (!next.done || this.#last) return next;
      this.#waiter = Promise.withResolvers();
      this.ask();
      await this.#waiter.promise;
    }
  }
}

/** Whether the run was asked to finish; from then on, the job's code outside tasks has only GRACE_MS to end. */
class Finishing {
  isAsked = false;
  /** The step outside tasks that is taken. */
  on: string | undefined;
  readonly #asked = Promise.withResolvers<void>();

  /** @param tell Tells the parent how the run stands. */
  constructor(private readonly tell: () => void) {}

  ask(): void {
    this.isAsked = true;
    this.#asked.resolve();
  }

  /** Runs such code, and tells the parent that the run waits for it. */
  readonly orWaitFor = <T>(what: string, run: () => Promise<T>): Promise<T> => {
    this.#goOn(what);
    const code = run().finally(() => this.#goOn(undefined));
    const late = this.#asked.promise.then(async () => {
      await delay(GRACE_MS);
      throw new Stopped(
        `${what} has not ended after its grace time of ${GRACE_MS} ms and was given up`,
      );
    });
    return Promise.race([code, late]);
  };

  #goOn(what: string | undefined): void {
    this.on = what;
    this.tell();
  }
}

/** Ends the process at an error that nothing catches, after telling the parent the reason. */
function endOnStray({ model }: RunOrder, say: (broken: RunMessage) => void): void {
  const stray = (where: string) => (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    const place = attempt(() => /[^\s(/]+:\d+:\d+(?=\)?$)/m.exec(error.stack)?.[0]);
    const { message, ...broken } = brokenBy(where, error);
    const isApart = isFixed(model) && isRemote(model);
    const hint = isApart ? "" : "; under --model processes such an item fails alone";
    say({ ...broken, message: `${message}${place === undefined ? "" : ` (${place})`}${hint}` });
    Deno.exit(0);
  };
  self.addEventListener("error", stray("a callback"));
  self.addEventListener("unhandledrejection", stray("a promise that nobody awaits"));
}

async function main(): Promise<void> {
  // Otherwise a task that computes without a pause would go on after the parent was killed.
  endWithParent(Deno.ppid);
  // A service manager sends SIGTERM to all processes; this one goes on, and the parent asks it to finish.
  const { order, inbox, tell, signal } = await connectToParent<RunOrder>({ onTerm: "goes on" });
  const say: (message: RunMessage) => void = tell;
  const known = new KnownItems();
  const fed = new FedItems(() => say({ type: "wants" }));
  let run: RunHere | undefined;
  const stand = () => {
    const { waits, ...standing } = run?.stand() ?? { waits: { again: 0 } };
    say({ type: "stands", waits: { ...waits, on: finishing.on }, ...standing });
  };
  const finishing = new Finishing(stand);
  setInterval(stand, RUN_BEAT_MS);
  const told = (line: string) => {
    const command = JSON.parse(line) as RunCommand;
    if ("known" in command) { for (const entry of command.known) known.add(...entry); }
    else if ("items" in command) fed.come(command.items, command.last);
    else if ("written" in command) run?.written(command.written);
    else {
      finishing.ask();
      run?.finish();
      fed.come([], true);
    }
  };
  while (known.counts.done + known.counts.failed < order.known) told((await inbox.next())!);
  void (async () => {
    for (let line = await inbox.next(); line !== undefined; line = await inbox.next()) told(line);
  })();
  // If a task exits the process, the outcomes of the other tasks are still sent.
  addEventListener("unload", () => run?.tell());
  endOnStray(order, (broken) => {
    // Outcomes are sent before the reason of the end.
    run?.tell();
    say(broken);
  });
  let items: ItemsLeft | undefined;
  refuseStdin(() => items?.hasBegun === true);
  let where = "prepare";
  let last: RunMessage;
  let ran: RunMessage | undefined;
  try {
    const { job } = order;
    const begin = () => hook(job, job.prepare).then(prepare);
    const prepared = await finishing.orWaitFor("prepare", begin);
    const dispose = async () => await prepared[Symbol.asyncDispose]();
    await using _prepared = {
      [Symbol.asyncDispose]: () => finishing.orWaitFor("disposing what was prepared", dispose),
    };
    where = "items";
    const listed = order.fed
      ? fed
      : (await finishing.orWaitFor("opening its items", () => openItems(job.items))).items;
    items = new ItemsLeft(listed, known, order);
    where = "the run";
    const own = { ...job, graceMs: job.graceMs ?? GRACE_MS };
    await using executor = openModel({ ...order, job: own });
    run = new RunHere(order, { executor, items, say, step: finishing.orWaitFor, signal });
    if (finishing.isAsked) run.finish();
    last = ran = await run.run();
  } catch (error) {
    const broken = brokenBy(where, error);
    last = ran?.type === "done"
      ? { ...ran, unclosed: broken.message }
      : error instanceof Stopped
      ? { type: "done", end: "finished", slowest: [], gone: { done: 0, failed: 0 } }
      : broken;
  }
  // A promise of the last tasks that rejects unhandled is reported before the last message. Deno reports it
  // after timers that are due in the same turn of the event loop, and before the next immediate.
  await delay(0);
  await turn();
  // The parent stops listening after this message.
  say(last);
  // A return isn't enough: a worker that ignores its deadline would keep the process alive for ever.
  Deno.exit(0);
}

if (import.meta.main) await main();
