/**
 * A descriptor of one's own to a child, beside its stdin and stdout, which what it starts inherits and
 * what runs in it may read.
 */

/** Deno starts a child with further descriptors on behalf of `node:child_process`; it is asked to here. */
interface Internals {
  readonly kExtraStdio: symbol;
  getExtraPipeRids(child: Deno.ChildProcess): readonly number[] | undefined;
  readonly core: {
    read(rid: number, into: Uint8Array): Promise<number>;
    writeAll(rid: number, bytes: Uint8Array): Promise<void>;
    tryClose(rid: number): void;
    refOpPromise(promise: Promise<unknown>): void;
    unrefOpPromise(promise: Promise<unknown>): void;
  };
}

const { internal } = Deno as unknown as { readonly internal: symbol };
const internals = (Deno as unknown as Record<symbol, Internals>)[internal]!;

/** What a child that has one is started with; there it is descriptor 3. */
export const WITH_DESCRIPTOR = { [internals.kExtraStdio]: ["piped"] } as Deno.CommandOptions;

/** What carries frames, at the caller's end. */
export interface ByteStream {
  /** Reads into the buffer, all of it if `whole`; the part that was filled, undefined at the end. */
  read(into: Uint8Array<ArrayBuffer>, whole: boolean): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  hold(keepsAlive: boolean): void;
  /** No more will be written. */
  close(): Promise<void>;
  /** The child is gone. */
  release(): Promise<void>;
}

/** The caller's end of it. */
export function ownDescriptor(child: Deno.ChildProcess): ByteStream {
  const { core } = internals;
  const rid = internals.getExtraPipeRids(child)![0]!;
  let writing = Promise.resolve();
  let reading: Promise<unknown> | undefined;
  let holds = true;
  const read = async (into: Uint8Array): Promise<number> => {
    const promise = core.read(rid, into);
    reading = promise;
    if (!holds) core.unrefOpPromise(promise);
    try {
      return await promise;
    } catch {
      return 0; // it was closed meanwhile
    } finally {
      reading = undefined;
    }
  };
  const hold = (keepsAlive: boolean) => {
    holds = keepsAlive;
    if (reading === undefined) return;
    if (keepsAlive) core.refOpPromise(reading);
    else core.unrefOpPromise(reading);
  };
  return {
    async read(into, whole) {
      let filled = 0;
      do {
        const count = await read(into.subarray(filled));
        if (count === 0) break;
        filled += count;
      } while (whole && filled < into.length);
      return filled > 0 ? into.subarray(0, filled) : undefined;
    },
    write: (bytes) => writing = writing.then(() => core.writeAll(rid, bytes)),
    hold,
    close: () => writing,
    release: () => Promise.resolve(hold(false)),
  };
}

/** Closes the caller's end: at the other one it is the end. */
export function closeDescriptors(child: Deno.ChildProcess): void {
  for (const rid of internals.getExtraPipeRids(child) ?? []) internals.core.tryClose(rid);
}
