/**
 * What `map` and `mapSettled` return.
 *
 * @module
 */

/**
 * Results, as they come. Nothing runs before the first is asked for; leaving the loop stops the rest.
 */
export interface Results<T> extends AsyncIterableIterator<T> {
  /** Ends the run: stops what still runs, and waits until it has stopped. */
  return(): Promise<IteratorResult<T>>;
  /**
   * All results in one array: the same as collecting them in a loop, but without a turn of the
   * event loop for each.
   */
  toArray(): Promise<T[]>;
}
