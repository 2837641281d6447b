/** A job's permissions: Deno's `--allow-…` flags, passed on to the job's processes only. */

import { userPath } from "../../files/user_files.ts";
import { UsageError } from "../../text/option_values.ts";
import { plain, shellWord } from "../../text/plain.ts";
import type { Thrown } from "../probe/probe_message.ts";
import { KINDS, type LanePermissions } from "../../lanes/permissions.ts";

export const PERMISSION_HELP =
  `The job may read its own modules, and nothing else, unless you allow it more, as you do for Deno:
  ${KINDS.map((kind) => `--allow-${kind}[=…]`).join(", ")}`;

type Kind = typeof KINDS[number];

const FLAG = /^--allow-([a-z]+)(?:=(.*))?$/s;

/** The entries of a flag, separated by commas; as in Deno, an entry can't contain one. */
function entriesOf(kind: Kind, list: string, path: (typed: string) => string): string[] {
  const entries = list.split(",");
  if (entries.some((entry) => entry.trim() === "")) {
    const remedy = `write --allow-${kind}=a,b, or --allow-${kind} for all`;
    throw new UsageError(`--allow-${kind}`, list, "an empty entry", remedy);
  }
  const isOfHosts = kind === "net" || kind === "import";
  const address = entries.find((entry) => isOfHosts && /^\w+:\/\//.test(entry));
  if (address !== undefined) {
    const host = URL.parse(address)?.host || "example.org";
    const problem = "an address, where a host belongs";
    throw new UsageError(`--allow-${kind}`, address, problem, `write --allow-${kind}=${host}`);
  }
  for (const entry of entries) {
    const wrong = faultIn(kind, entry);
    if (wrong !== undefined) {
      const remedy = `write it as for deno run --allow-${kind}`;
      throw new UsageError(`--allow-${kind}`, entry, wrong, remedy);
    }
  }
  const isPath = (entry: string) =>
    kind === "read" || kind === "write" || (kind === "run" && entry.includes("/"));
  return entries.map((entry) => {
    const whole = isPath(entry) ? path(entry) : entry;
    // The folder that the path starts from may contain a comma.
    if (!whole.includes(",")) return whole;
    const problem = `it is ${whole}, and Deno takes a comma for the end of an entry`;
    throw new UsageError(`--allow-${kind}`, entry, problem, `write --allow-${kind} for all`);
  });
}

/** The error that Deno would report for an entry, found without starting a process. */
function faultIn(kind: Kind, entry: string): string | undefined {
  if (kind === "env" && /[=\0]/.test(entry)) return "no name of a variable";
  if (kind !== "net" && kind !== "import" && kind !== "sys") return undefined;
  // Deno can't be asked about all ports, or all names below a domain, so an example is used.
  const host = entry.replace(/^\*\./, "").replace(/^:/, "localhost:");
  try {
    Deno.permissions.querySync(
      kind === "sys" ? { name: kind, kind: entry as "cpus" } : { name: kind, host },
    );
    // If all hosts are allowed, Deno doesn't check the name, so it is checked here.
    const isHost = URL.canParse(`http://${host}`) && !/\/(?!\d+$)/.test(host);
    return kind === "sys" || isHost ? undefined : "no host, nor one with its port";
  } catch (error) {
    return plain((error as Error).message);
  }
}

/** Takes the `--allow-…` flags and `-A` out of a command line, except the script's own flag. */
export function takePermissions(
  args: readonly string[],
  own?: string,
  path: (typed: string) => string = userPath,
): { readonly permissions: LanePermissions; readonly rest: string[] } {
  const permissions: Partial<Record<Kind, readonly string[] | true>> = {};
  const rest: string[] = [];
  for (const arg of args) {
    const [flag, name, list] = FLAG.exec(arg === "-A" ? "--allow-all" : arg) ?? [];
    const kind = KINDS.find((kind) => kind === name);
    const [, feature] = /^--unstable-([a-z-]+)$/.exec(arg) ?? [];
    if (feature !== undefined) {
      const remedy = `write "unstable": ["${feature}"] into the deno.json beside the job`;
      throw new UsageError(arg, true, "a job's own project says what it needs", remedy);
    }
    if (flag === undefined || name === own) rest.push(arg);
    else if (flag === "--allow-all") {
      for (const kind of KINDS) permissions[kind] = true;
    } else if (kind === undefined) {
      const remedy = `give one of ${KINDS.map((of) => `--allow-${of}`).join(", ")}`;
      const problem = "not a permission that can be handed on to a job";
      throw new UsageError(`--allow-${name}`, list ?? true, problem, remedy);
    } else if (list === undefined) permissions[kind] = true;
    else {
      const entries = entriesOf(kind, list, path);
      const known = permissions[kind] ?? [];
      permissions[kind] = known === true || [...known, ...entries];
    }
  }
  return { permissions, rest };
}

/** Names the permission that an error lacked, where, and how to give it; undefined if it lacked none. */
export function permissionNeeded(
  where: string,
  { name, message, causes = [] }: Pick<Thrown, "name" | "message"> & Partial<Thrown>,
  typed: string,
): UsageError | undefined {
  if (![name, ...causes].some((cause) => cause.startsWith("NotCapable"))) return undefined;
  const missing = [message, ...causes].map(missingFlag).find((flag) => flag !== undefined);
  const [problem, remedy] = missing === undefined
    ? [`${where} lacks a permission (${message})`, "allow it"]
    : [`${where} needs ${missing.wanted}`, `add ${shellWord(missing.flag)}${missing.to}`];
  return new UsageError("module", typed, problem!, remedy!);
}

/** The access that a job wanted, the flag that allows just that, and where; undefined if it isn't said. */
export function missingFlag(message: string) {
  const [, wanted, name, target] =
    /Requires (([a-z]+) access(?: to (?:"([^"]*)"|<[^>]*>))?)/.exec(message) ?? [];
  const kind = KINDS.find((kind) => kind === name);
  if (wanted === undefined || kind === undefined) return undefined;
  // Deno takes a comma for the end of an entry.
  const isWhole = target === undefined || target.includes(",");
  // What a lane of another machine may do is said there.
  const [, elsewhere] = /, given (to deno task lane on its machine)/.exec(message) ?? [];
  const to = elsewhere === undefined ? "" : ` ${elsewhere}`;
  return { wanted, flag: `--allow-${kind}${isWhole ? "" : `=${target}`}`, to };
}
