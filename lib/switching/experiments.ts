/** Runs experiments one after another; results are kept if a later one fails or is aborted. */

type Experiments = Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>>;

/** Returns results by name, and the error of an experiment that failed; an abort is no failure. */
export async function inTurn<Of extends Experiments>(
  experiments: Of,
  signal: AbortSignal,
  onBegin: (name: keyof Of) => void = () => {},
): Promise<{
  readonly found: { readonly [Name in keyof Of]?: Awaited<ReturnType<Of[Name]>> };
  readonly failure?: { readonly error: unknown };
}> {
  const found: { [Name in keyof Of]?: Awaited<ReturnType<Of[Name]>> } = {};
  try {
    for (const [name, run] of Object.entries(experiments) as [keyof Of, Of[keyof Of]][]) {
      signal.throwIfAborted();
      onBegin(name);
      found[name] = await run(signal) as Awaited<ReturnType<Of[keyof Of]>>;
    }
  } catch (error) {
    if (!signal.aborted) return { found, failure: { error } };
  }
  return { found };
}
