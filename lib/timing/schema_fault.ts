/**
 * What a schema says of data that isn't what it should be.
 *
 * @module
 */

/** What is wrong with data that should be a file of ours. */
export interface SchemaFault {
  /** Where: keys and places from the outermost in. */
  readonly path: readonly PropertyKey[];
  /** What is wrong there. */
  readonly message: string;
  /** How many faults there are besides. */
  readonly more: number;
}

/** Data that was checked: its value, or the first fault. */
export type Checked<T> =
  | { readonly value: T; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: SchemaFault };

/** What checks data: a schema of zod's, of which this is the part that is used. */
export interface Checker<T> {
  /** Checks data without throwing. */
  safeParse(data: unknown):
    | { success: true; data: T }
    | {
      success: false;
      error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
    };
}

/** Checks data against a schema. */
export function checkedBy<T>(schema: Checker<T>, data: unknown): Checked<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return { value: parsed.data };
  const [first, ...rest] = parsed.error.issues;
  return {
    fault: {
      path: first?.path ?? [],
      message: first?.message ?? "it isn't what it should be",
      more: rest.length,
    },
  };
}
