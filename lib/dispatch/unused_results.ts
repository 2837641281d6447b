/** Results that nobody asked for. */

/**
 * The results of one executor that nobody asked for until now: their tasks never run, which is seldom
 * what was meant.
 */
export class UnusedResults {
  /** The name of each call that gave such; what it gave isn't kept alive. */
  readonly #calls = new Map<symbol, string>();
  readonly #collected = new FinalizationRegistry<symbol>((call) => this.#warn([call]));

  /** Watches over what a call returned. */
  watch(results: object, name: string): () => void {
    const call = Symbol(name);
    this.#calls.set(call, name);
    this.#collected.register(results, call, call);
    return () => {
      if (this.#calls.delete(call)) this.#collected.unregister(call);
    };
  }

  /** No more will come, and what wasn't asked for now never will be. */
  close(): void {
    this.#warn([...this.#calls.keys()]);
  }

  #warn(calls: readonly symbol[]): void {
    const names = calls.flatMap((call) => this.#calls.get(call) ?? []);
    for (const call of calls) this.#calls.delete(call);
    if (names.length === 0) return;
    console.error(
      `warning: nothing ran, for nobody asked for the results of ` +
        [...new Set(names)].map((name) => `${name}()`).join(" and ") +
        (names.length > 1 ? ` (${names.length} calls)` : "") +
        `; take them in a loop (for await … of), or all with toArray()`,
    );
  }
}
