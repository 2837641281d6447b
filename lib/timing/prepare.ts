/**
 * What a job does once before its items are made, where they are made.
 *
 * @module
 */

/** What `prepare` gave; disposed when the job is over, if it can be. */
export interface Prepared extends AsyncDisposable {
  readonly isDisposable: boolean;
}

/** Runs a job's `prepare`, if there is one. */
export async function prepare(run: (() => unknown) | undefined): Promise<Prepared> {
  const value = Object(await run?.()) as Partial<AsyncDisposable & Disposable>;
  const dispose = value[Symbol.asyncDispose] ?? value[Symbol.dispose];
  return {
    isDisposable: typeof dispose === "function",
    async [Symbol.asyncDispose]() {
      if (typeof dispose === "function") await dispose.call(value);
    },
  };
}
