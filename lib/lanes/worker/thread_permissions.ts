/** What tasks may do, for threads: no more than the program that starts them. */

import { attempt } from "../attempt.ts";
import { LaneStartError } from "../errors.ts";
import { nearestConfig, programFlags } from "../project.ts";
import { KINDS, type LanePermissions } from "../subprocess/permissions.ts";

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

/** The same for a thread, which otherwise has all that the program has. */
export function threadPermissions(permissions: LanePermissions): Deno.PermissionOptions {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, permissions[kind] ?? false]),
  ) as Deno.PermissionOptionsObject;
}

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
  if (config === undefined) return false;
  try {
    const text = Deno.readTextFileSync(config);
    return /"unstable"\s*:\s*\[[^\]]*"worker-options"/.test(text);
  } catch {
    return false;
  }
}
