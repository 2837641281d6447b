/** What a subprocess lane may do: nothing unless it was told. */

/** What a task may touch: a list of what is allowed, `true` for everything of that kind. */
export interface LanePermissions {
  /** Hosts, such as `"127.0.0.1"` or `"example.com:443"`. */
  readonly net?: boolean | readonly string[];
  /**
   * Files and folders. A task's own module and what it imports need no entry. Deno checks
   * the path that is asked for: a symbolic link in an allowed folder is followed wherever it leads.
   */
  readonly read?: boolean | readonly string[];
  /** Files and folders. */
  readonly write?: boolean | readonly string[];
  /** Environment variables. */
  readonly env?: boolean | readonly string[];
  /** System interfaces, such as `"hostname"`. */
  readonly sys?: boolean | readonly string[];
  /** Programs. */
  readonly run?: boolean | readonly string[];
  /** Native libraries. */
  readonly ffi?: boolean | readonly string[];
}

/** The kinds of permissions. */
export const KINDS = ["net", "read", "write", "env", "sys", "run", "ffi"] as const;

/**
 * Says what is wrong with permissions: the name of the part, its value, and what would be right;
 * undefined if nothing is.
 */
export function faultOf(
  permissions: unknown,
): readonly [name: string, value: unknown, wanted: string] | undefined {
  if (permissions === undefined) return undefined;
  if (typeof permissions !== "object" || permissions === null || Array.isArray(permissions)) {
    return ["permissions", permissions, `an object with any of ${KINDS.join(", ")}`];
  }
  for (const [kind, allowed] of Object.entries(permissions)) {
    const name = `permissions.${kind}`;
    if (!(KINDS as readonly string[]).includes(kind)) {
      return [name, allowed, `one of ${KINDS.join(", ")}`];
    }
    if (allowed === undefined || typeof allowed === "boolean") continue;
    if (!Array.isArray(allowed)) return [name, allowed, "true, false or a list of strings"];
    for (const entry of allowed as unknown[]) {
      if (typeof entry !== "string" || entry === "") return [name, entry, "made of strings"];
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
  const flags: string[] = [];
  for (const kind of KINDS) {
    const allowed = permissions[kind];
    if (allowed === undefined || allowed === false) continue;
    if (allowed === true) flags.push(`--allow-${kind}`);
    else if (allowed.length > 0) {
      const parted = allowed.find((entry) => entry.includes(","));
      // It would be taken for two, and allow more than was meant.
      if (parted !== undefined) {
        throw new RangeError(`Cannot allow ${kind} of ${parted}: Deno can't be given a comma`);
      }
      flags.push(`--allow-${kind}=${allowed.join()}`);
    }
  }
  return flags;
}
