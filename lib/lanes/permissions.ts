/** What a subprocess lane may do: nothing unless it was told. */

import { attempt } from "./attempt.ts";
import { LaneStartError } from "./errors.ts";
import { fromHere, nearestConfig, programFlags } from "./project.ts";

/**
 * What a task may touch: a list of what is allowed, `true` for everything of that kind. Relative paths are
 * meant from the folder in which the program is when it opens the executor.
 */
export interface LanePermissions {
  /** Hosts, such as `"127.0.0.1"` or `"example.com:443"`. */
  readonly net?: boolean | readonly string[] | undefined;
  /**
   * Files and folders. A task's own module and what it imports need no entry. Deno checks
   * the path that is asked for: a symbolic link in an allowed folder is followed wherever it leads.
   */
  readonly read?: boolean | readonly string[] | undefined;
  /** Files and folders. */
  readonly write?: boolean | readonly string[] | undefined;
  /** Environment variables. */
  readonly env?: boolean | readonly string[] | undefined;
  /** System interfaces, such as `"hostname"`. */
  readonly sys?: boolean | readonly string[] | undefined;
  /** Programs. */
  readonly run?: boolean | readonly string[] | undefined;
  /** Native libraries. */
  readonly ffi?: boolean | readonly string[] | undefined;
}

export const KINDS = ["net", "read", "write", "env", "sys", "run", "ffi"] as const;

/** What Deno takes for a thread: names for all of them, one kind more, and addresses of files. */
const OF_THREADS = { kinds: [...KINDS, "import"], all: ["none", "inherit"], words: ["inherit"] };
const OF_PROCESSES = { kinds: KINDS, all: [], words: [] };

/** Kinds whose entries are paths. */
const OF_PATHS = ["read", "write", "ffi"];

/**
 * A copy that stays as it is, whatever becomes of the caller's, and wherever the program goes: relative
 * paths are meant from where it is now. A URL in it can't be cloned.
 */
export function copyOf<Permissions>(permissions: Permissions): Permissions {
  if (typeof permissions !== "object" || permissions === null) return permissions;
  const copied = ([kind, of]: [string, unknown]) => {
    if (!Array.isArray(of)) return [kind, of];
    // A program may be named by its path, too.
    const isPath = (entry: unknown) =>
      typeof entry === "string" &&
      (OF_PATHS.includes(kind) || kind === "run" && entry.includes("/"));
    return [kind, of.map((entry) => isPath(entry) ? fromHere(entry) : entry)];
  };
  return Object.fromEntries(Object.entries(permissions).map(copied)) as Permissions;
}

/**
 * Says what is wrong with permissions: the name of the part, its value, and what would be right;
 * undefined if nothing is.
 */
export function faultOf(
  permissions: unknown,
  where: "thread" | "process" = "process",
): readonly [name: string, value: unknown, wanted: string] | undefined {
  const { kinds, all, words }: Record<keyof typeof OF_THREADS, readonly unknown[]> =
    where === "thread" ? OF_THREADS : OF_PROCESSES;
  if (permissions === undefined || all.includes(permissions)) return undefined;
  if (typeof permissions !== "object" || permissions === null || Array.isArray(permissions)) {
    return ["permissions", permissions, `an object with any of ${kinds.join(", ")}`];
  }
  for (const [kind, allowed] of Object.entries(permissions)) {
    const name = `permissions.${kind}`;
    if (!kinds.includes(kind)) return [name, allowed, `one of ${kinds.join(", ")}`];
    if (allowed === undefined || typeof allowed === "boolean" || words.includes(allowed)) continue;
    if (!Array.isArray(allowed)) return [name, allowed, "true, false or a list of strings"];
    for (const entry of allowed as unknown[]) {
      if (where === "thread" && entry instanceof URL) continue;
      if (typeof entry !== "string" || entry === "") return [name, entry, "made of strings"];
      // It would be taken for a relative path, which nothing is at.
      if (entry.startsWith("file:")) {
        return [name, entry, "made of paths, as new URL(…).pathname is"];
      }
      // On a command line a comma would end one entry and begin another, and Deno has no escape.
      if (entry.includes(",")) return [name, entry, "free of commas, which Deno can't be given"];
    }
  }
  return undefined;
}

/**
 * The `--allow-…` flags for permissions, one for each kind that is allowed at all.
 *
 * @throws {RangeError} If an entry can't be written on a command line.
 */
export function permissionFlags(permissions: LanePermissions = {}): string[] {
  return KINDS.flatMap((kind) => {
    const allowed = permissions[kind] ?? false;
    if (typeof allowed === "boolean") return allowed ? [`--allow-${kind}`] : [];
    const parted = allowed.find((entry) => entry.includes(","));
    // It would be taken for two, and allow more than was meant.
    if (parted !== undefined) {
      throw new RangeError(`Cannot allow ${kind} of ${parted}: Deno can't be given a comma`);
    }
    return allowed.length > 0 ? [`--allow-${kind}=${allowed.join()}`] : [];
  });
}

/** The same for a thread, which otherwise has all that the program has. */
export function threadPermissions(permissions: LanePermissions): Deno.PermissionOptions {
  const kinds = KINDS.map((kind) => [kind, permissions[kind] ?? false]);
  return Object.fromEntries(kinds) as Deno.PermissionOptionsObject;
}

/** How Deno is asked about one entry of a kind. */
const ENTRY = {
  net: "host",
  read: "path",
  write: "path",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
} as const;

/** What of it this program may not do itself: its kind, and the entry unless it is all of that kind. */
export function missingHere(
  permissions: LanePermissions,
): { readonly kind: string; readonly entry: string | undefined } | undefined {
  for (const kind of KINDS) {
    const allowed = permissions[kind] ?? false;
    const entries = typeof allowed === "boolean" ? (allowed ? [undefined] : []) : allowed;
    for (const entry of entries) {
      const about = { name: kind, ...(entry !== undefined && { [ENTRY[kind]]: entry }) };
      const asked = attempt(() => Deno.permissions.querySync(about as Deno.PermissionDescriptor));
      if (asked?.state !== "granted") return { kind, entry };
    }
  }
  return undefined;
}

const FLAG = "--unstable-worker-options";

/** @throws {LaneStartError} If this program can't start threads that may do less, or that isn't known. */
export function checkNarrowing(said: boolean): void {
  const flags = programFlags();
  if (said || flags?.includes(FLAG) || isConfigured()) return;
  const seen = flags === undefined
    ? "it isn't seen whether this program was, for it may not read its own command line: if it " +
      "was, open workers({ unstableWorkerOptions: true, … })"
    : "start this program with it";
  throw new LaneStartError(
    `Cannot start a thread with permissions of its own: Deno needs ${FLAG} for that; ${seen}, or ` +
      `say "unstable": ["worker-options"] in deno.json`,
  );
}

function isConfigured(): boolean {
  const config = Deno.mainModule === undefined ? undefined : nearestConfig(Deno.mainModule);
  const text = attempt(() => Deno.readTextFileSync(config!), "");
  return /"unstable"\s*:\s*\[[^\]]*"worker-options"/.test(text);
}
