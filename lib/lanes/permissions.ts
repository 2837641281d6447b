/** The permissions of lanes, and their checks; a subprocess lane has none unless they are given. */

import { attempt } from "./attempt.ts";
import { LaneStartError } from "./errors.ts";
import { fromHere, nearestConfig, programFlags } from "./project.ts";

/**
 * The permissions of tasks: for each kind a list of what is allowed, or `true` for everything. Relative paths
 * are relative to the program's folder when it opens the executor. A subprocess is given nothing that the
 * program itself was denied, as by `--deny-read`: permissions that include it, or a part of it, are refused.
 * Deno doesn't show a denied part of a kind that the program isn't allowed at all, so that isn't refused.
 */
export interface LanePermissions {
  /** Network hosts, such as `"127.0.0.1"` or `"example.com:443"`. */
  readonly net?: boolean | readonly string[] | undefined;
  /**
   * Files and folders to read. A task's own module and its imports need no entry. Deno checks the path as
   * given: a symbolic link in an allowed folder is followed wherever it leads.
   */
  readonly read?: boolean | readonly string[] | undefined;
  /** Files and folders to write. */
  readonly write?: boolean | readonly string[] | undefined;
  /** Environment variables. */
  readonly env?: boolean | readonly string[] | undefined;
  /** System interfaces, such as `"hostname"`. */
  readonly sys?: boolean | readonly string[] | undefined;
  /** Programs to run. */
  readonly run?: boolean | readonly string[] | undefined;
  /** Native libraries to load. */
  readonly ffi?: boolean | readonly string[] | undefined;
  /**
   * Hosts to import modules from, such as `"example.com:443"`. That of a task's own module needs no entry, if
   * this program may import from it. Any list, as with Deno's flag, replaces the hosts that Deno itself allows.
   */
  readonly import?: boolean | readonly string[] | undefined;
}

export const KINDS = ["net", "read", "write", "env", "sys", "run", "ffi", "import"] as const;

/** Threads, unlike subprocesses, also accept words for all permissions, and file URLs. */
const OF_THREADS = { all: ["none", "inherit"], words: ["inherit"] };
const OF_PROCESSES = { all: [], words: [] };

/** Kinds whose entries are paths. */
const OF_PATHS = ["read", "write", "ffi"];

/**
 * A copy that later changes to the original don't affect. Relative paths become absolute, so that they stay
 * valid if the program changes its folder. URLs are kept, since they can't be cloned.
 */
export function copyOf<Permissions>(permissions: Permissions): Permissions {
  if (typeof permissions !== "object" || permissions === null) return permissions;
  const copied = ([kind, of]: [string, unknown]) => {
    if (!Array.isArray(of)) return [kind, of];
    // A program may be given by its path.
    const isPath = (entry: unknown) =>
      typeof entry === "string" &&
      (OF_PATHS.includes(kind) || kind === "run" && entry.includes("/"));
    return [kind, of.map((entry) => isPath(entry) ? fromHere(entry) : entry)];
  };
  return Object.fromEntries(Object.entries(permissions).map(copied)) as Permissions;
}

/**
 * Checks permissions: returns the name of the wrong part, its value, and what it should be; undefined if all
 * are right.
 */
export function faultOf(
  permissions: unknown,
  where: "thread" | "process" = "process",
): readonly [name: string, value: unknown, wanted: string] | undefined {
  const { all, words }: Record<keyof typeof OF_THREADS, readonly unknown[]> = where === "thread"
    ? OF_THREADS
    : OF_PROCESSES;
  if (permissions === undefined || all.includes(permissions)) return undefined;
  if (typeof permissions !== "object" || permissions === null || Array.isArray(permissions)) {
    return ["permissions", permissions, `an object with any of ${KINDS.join(", ")}`];
  }
  for (const [kind, allowed] of Object.entries(permissions)) {
    const name = `permissions.${kind}`;
    if (!(KINDS as readonly string[]).includes(kind)) {
      return [name, allowed, `one of ${KINDS.join(", ")}`];
    }
    if (allowed === undefined || typeof allowed === "boolean" || words.includes(allowed)) continue;
    if (!Array.isArray(allowed)) return [name, allowed, "true, false or a list of strings"];
    for (const entry of allowed as unknown[]) {
      if (where === "thread" && entry instanceof URL) continue;
      if (typeof entry !== "string" || entry === "") return [name, entry, "made of strings"];
      // Deno would take it for a relative path, at which there is nothing.
      if (entry.startsWith("file:")) {
        return [name, entry, "made of paths, as new URL(…).pathname is"];
      }
      // On a command line a comma separates entries, and Deno has no escape for it.
      if (entry.includes(",")) return [name, entry, "free of commas, which Deno can't be given"];
    }
  }
  return undefined;
}

/**
 * The `--allow-…` flags for permissions, one for each kind that is allowed.
 *
 * @throws {RangeError} If an entry can't be written on a command line.
 * @throws {LaneStartError} If it is more than this program may be given itself.
 */
export function permissionFlags(permissions: LanePermissions = {}): string[] {
  const denied = deniedHere(permissions);
  if (denied !== undefined) {
    throw new LaneStartError(`Cannot start a subprocess: ${whyDenied(denied)}`);
  }
  return KINDS.flatMap((kind) => {
    const allowed = permissions[kind] ?? false;
    if (typeof allowed === "boolean") return allowed ? [`--allow-${kind}`] : [];
    const parted = allowed.find((entry) => entry.includes(","));
    // It would be taken for two entries and allow more than intended.
    if (parted !== undefined) {
      throw new RangeError(`Cannot allow ${kind} of ${parted}: Deno can't be given a comma`);
    }
    return allowed.length > 0 ? [`--allow-${kind}=${allowed.join()}`] : [];
  });
}

/**
 * The permissions of a thread; kinds that aren't given are denied, since a thread would inherit them. Imports are
 * not: subprocesses, too, may make those that Deno itself allows.
 */
export function threadPermissions(permissions: LanePermissions): Deno.PermissionOptions {
  const usual = (kind: typeof KINDS[number]) => kind === "import" ? "inherit" : false;
  const kinds = KINDS.map((kind) => [kind, permissions[kind] ?? usual(kind)]);
  return Object.fromEntries(kinds) as Deno.PermissionOptionsObject;
}

/** The property of a permission query that holds an entry, by kind. */
const ENTRY = {
  net: "host",
  read: "path",
  write: "path",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
  import: "host",
} as const;

/** The kinds whose entries are hosts. */
const OF_HOSTS: readonly string[] = ["net", "import"];

/** A part of permissions: its kind, and the entry unless it is all of that kind. */
interface Part {
  readonly kind: typeof KINDS[number];
  readonly entry: string | undefined;
}

/** What of it this program may not do itself. */
export function missingHere(permissions: LanePermissions): Part | undefined {
  return partsOf(permissions).find((part) => statusOf(part)?.state !== "granted");
}

/** What of it this program was denied, at all or in part, as by `--deny-…`: more than just not given. */
export function deniedHere(permissions: LanePermissions): Part | undefined {
  return partsOf(permissions).find(({ kind, entry }) =>
    isDenied({ kind, entry }) ||
    (entry !== undefined && isPattern(kind, entry) && isDenied({ kind, entry: undefined }))
  );
}

function partsOf(permissions: LanePermissions): Part[] {
  return KINDS.flatMap((kind): Part[] => {
    const allowed = permissions[kind] ?? false;
    if (typeof allowed === "boolean") return allowed ? [{ kind, entry: undefined }] : [];
    return allowed.map((entry) => ({ kind, entry }));
  });
}

function statusOf({ kind, entry }: Part): Deno.PermissionStatus | undefined {
  const about = { name: kind, ...(entry !== undefined && { [ENTRY[kind]]: entry }) };
  return attempt(() => Deno.permissions.querySync(about as Deno.PermissionDescriptor));
}

function isDenied(part: Part): boolean {
  const status = statusOf(part);
  return status?.state === "denied" ||
    (status?.partial === true && !(part.kind === "write" && isKeptFromPrograms()));
}

/**
 * Whether Deno itself keeps this program from writing to the programs that it may run, as it does where these
 * are named: nobody denied it that.
 */
function isKeptFromPrograms(): boolean {
  const may = (entry?: string) => statusOf({ kind: "run", entry })?.state === "granted";
  return !may() && may(attempt(Deno.execPath, "deno")) &&
    !programFlags()?.some((flag) => flag.startsWith("--deny-write"));
}

/** Whether an entry means many, as a host does without a port: Deno can be asked about one alone. */
function isPattern(kind: Part["kind"], entry: string): boolean {
  return entry.includes("*") || (OF_HOSTS.includes(kind) && !/^[^/]*[^:/]:\d+$/.test(entry));
}

/** Why a subprocess isn't given a part that this program was denied. */
export function whyDenied({ kind, entry }: Part): string {
  const what = entry === undefined ? "all" : JSON.stringify(entry);
  return `permissions.${kind} allows ${what}, which this program was denied itself, or a part of it; ` +
    "allow no more than tasks need, and hosts with their ports";
}

const FLAG = "--unstable-worker-options";

/** @throws {LaneStartError} If this program can't narrow its threads' permissions, or that isn't known. */
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
