/**
 * What a job may do, as its user passes it: Deno's own `--allow-…` flags, handed on to the job's
 * processes and to nothing else.
 *
 * @module
 */

import { UsageError } from "../../options.ts";
import type { LanePermissions } from "../../lanes/subprocess/permissions.ts";

/** The kinds of permission that can be handed on. */
export const PERMISSION_KINDS = ["net", "read", "write", "env", "sys", "run", "ffi"] as const;

type Kind = typeof PERMISSION_KINDS[number];

const FLAG = /^--allow-([a-z]+)(?:=(.*))?$/s;

/** A comma separates entries; two commas stand for one within an entry, as Deno has it. */
function entriesOf(list: string): string[] {
  return list.replaceAll(",,", "\0").split(",").map((entry) => entry.replaceAll("\0", ","));
}

/**
 * Takes the `--allow-…` flags out of a command line. They are written as for Deno: `--allow-net` for
 * all, `--allow-net=a,b` for some, `-A` or `--allow-all` for everything.
 */
export function takePermissions(
  args: readonly string[],
  path: (typed: string) => string,
): { readonly permissions: LanePermissions; readonly rest: string[] } {
  const permissions: Partial<Record<Kind, readonly string[] | true>> = {};
  const rest: string[] = [];
  for (const arg of args) {
    if (arg === "-A" || arg === "--allow-all") {
      for (const kind of PERMISSION_KINDS) permissions[kind] = true;
      continue;
    }
    const match = FLAG.exec(arg);
    if (match === null) {
      rest.push(arg);
      continue;
    }
    const kind = PERMISSION_KINDS.find((kind) => kind === match[1]);
    if (kind === undefined) {
      throw new UsageError(
        `--allow-${match[1]}`,
        match[2] ?? "",
        "not a permission that can be handed on to a job",
        `give one of ${PERMISSION_KINDS.map((kind) => `--allow-${kind}`).join(", ")}`,
      );
    }
    if (match[2] === undefined) {
      permissions[kind] = true;
      continue;
    }
    const entries = entriesOf(match[2]);
    if (entries.some((entry) => entry === "")) {
      throw new UsageError(
        `--allow-${kind}`,
        match[2],
        "an empty entry",
        `write --allow-${kind}=a,b, or --allow-${kind} for all`,
      );
    }
    const absolute = entries.map((entry) =>
      kind === "read" || kind === "write" || (kind === "run" && entry.includes("/"))
        ? path(entry)
        : entry
    );
    const known = permissions[kind];
    if (known !== true) permissions[kind] = [...known ?? [], ...absolute];
  }
  return { permissions, rest };
}

/** What a job wanted, and the flag that allows just that; undefined if the message says neither. */
export function missingFlag(
  message: string,
): { readonly wanted: string; readonly flag: string } | undefined {
  const match = /Requires (([a-z]+) access(?: to (?:"([^"]*)"|<[^>]*>))?)/.exec(message);
  const kind = PERMISSION_KINDS.find((kind) => kind === match?.[2]);
  if (match === null || kind === undefined) return undefined;
  const target = match[3];
  const list = target === undefined ? "" : `=${target.replaceAll(",", ",,")}`;
  return { wanted: match[1]!, flag: `--allow-${kind}${list}` };
}
