/**
 * What a subprocess lane may do: nothing unless it was told.
 *
 * @module
 */

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

const KINDS = ["net", "read", "write", "env", "sys", "run", "ffi"] as const;

/**
 * The `--allow-…` flags for permissions.
 *
 * @param permissions What is allowed; nothing unless given.
 * @returns One flag for each kind that is allowed at all.
 *
 * @example
 * ```ts
 * import { permissionFlags } from "./permissions.ts";
 *
 * console.log(permissionFlags({ net: ["127.0.0.1"], read: true })); // ["--allow-net=127.0.0.1", "--allow-read"]
 * ```
 */
export function permissionFlags(permissions: LanePermissions = {}): string[] {
  const flags: string[] = [];
  for (const kind of KINDS) {
    const allowed = permissions[kind];
    if (allowed === undefined || allowed === false) continue;
    if (allowed === true) flags.push(`--allow-${kind}`);
    // A comma would end one entry and begin another: Deno's own escape is to double it.
    else if (allowed.length > 0) {
      flags.push(`--allow-${kind}=${allowed.map((entry) => entry.replaceAll(",", ",,")).join()}`);
    }
  }
  return flags;
}
