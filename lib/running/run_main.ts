/** What runs in the job's own process. It imports no npm package. */

import { setTimeout as delay } from "node:timers/promises";
import { connectToParent, refuseStdin } from "../children/parent.ts";
import { attempt } from "../lanes/attempt.ts";
import { endWithParent } from "../lanes/remote/endings.ts";
import { isFixed, isRemote } from "../models.ts";
import { hook, openItems, prepare } from "../timing/job_items.ts";
import { openModel } from "../timing/trial.ts";
import { ItemsLeft } from "./items_left.ts";
import { KnownItems } from "./known_items.ts";
import { brokenBy, RunHere } from "./run_here.ts";
import { RUN_BEAT_MS, type RunCommand, type RunMessage, type RunOrder } from "./run_message.ts";

/**
 * How long a lane's teardown, a task past its deadline, and after Ctrl-C whatever else of the job's isn't a
 * task may take, in milliseconds.
 */
const GRACE_MS = 2000;

/** It is to finish, and nothing of it runs. */
class Stopped extends Error {}

const FED_AT_ONCE = 256;

/** Items that the parent reads and tells, some at a time and only when there is room for them. */
class FedItems implements AsyncIterableIterator<unknown> {
  #items: Iterator<unknown> = [].values();
  #last = false;
  #waiter: PromiseWithResolvers<void> | undefined;

  constructor(private readonly ask: (count: number) => void) {}

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
      this.ask(FED_AT_ONCE);
      await this.#waiter.promise;
    }
  }
}

/** Whether the run is to finish: then what of the job's code is no task isn't waited for beyond the grace time. */
class Finishing {
  isAsked = false;
  readonly #asked = Promise.withResolvers<void>();

  constructor(private readonly say: (message: RunMessage) => void) {}

  ask(): void {
    this.isAsked = true;
    this.#asked.resolve();
  }

  /** Waits for such code, and says so. */
  orWaitFor<T>(what: string, run: () => Promise<T>): Promise<T> {
    this.say({ type: "waits", again: 0, on: what });
    const code = run().finally(() => this.say({ type: "waits", again: 0 }));
    const late = this.#asked.promise.then(async () => {
      await delay(GRACE_MS);
      throw new Stopped(
        `${what} has not ended after its grace time of ${GRACE_MS} ms and was given up`,
      );
    });
    return Promise.race([code, late]);
  }
}

/** What nobody catches ends the process: it is said why. */
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
  // A task that computes without a pause would go on when the parent was killed.
  endWithParent(Deno.ppid);
  // What stops a service tells all its processes: the parent has what runs finished.
  const { order, inbox, tell, signal } = await connectToParent<RunOrder>({ onTerm: "goes on" });
  const say: (message: RunMessage) => void = tell;
  setInterval(() => say({ type: "beat" }), RUN_BEAT_MS);
  const known = new KnownItems();
  const fed = new FedItems((count) => say({ type: "wants", count }));
  const finishing = new Finishing(say);
  let run: RunHere | undefined;
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
  // A task that exits takes nothing with it of what others gave.
  addEventListener("unload", () => run?.tell());
  endOnStray(order, (broken) => {
    // What has ended is told first.
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
    run = new RunHere(order, { executor, items, say, signal });
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
  // What the last tasks left to nobody is told first.
  await delay(0);
  // Once this is said, nobody waits any more.
  say(last);
  // Not only a return: a worker that ignores its deadline would keep the process for ever.
  Deno.exit(0);
}

if (import.meta.main) await main();
