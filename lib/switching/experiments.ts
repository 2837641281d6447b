/** Experiments one after another: what was measured is kept, whatever ends the rest. */

type Experiments = Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>>;

/** What was found, by name, and what ended the others; an abort is no failure. */
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
