/** The options of single models: the bounds of `auto`, and the server of `cluster` with its credentials. */

import type { AutoBounds } from "../auto_options.ts";
import { inputFile } from "../files/named_files.ts";
import { userPath } from "../files/user_files.ts";
import type { ServerOptions } from "../lanes/cluster/broker.ts";
import { isFixed, type Model, MODEL_TABLE, needsServer } from "../models.ts";
import {
  LANE_LIMIT,
  needs,
  oneOf,
  positiveInteger,
  size,
  UsageError,
} from "../text/option_values.ts";
import { plain } from "../text/plain.ts";

export interface RawBounds {
  readonly maxSlots?: string;
  readonly maxLanes?: string;
  readonly memory?: string;
  readonly stay?: string;
}

export const BOUNDS_HELP = {
  maxSlots: "of auto: tasks in flight at most, on all lanes together (default: 1024)",
  maxLanes:
    "of auto: the most lanes (default: one for each core, four for each if tasks block them)",
  memory:
    "of auto: fewer slots while it uses more memory than this, such as 500MB (default: unlimited)",
  stay: "of auto: loop keeps all tasks in one event loop, for tasks that change shared data",
} as const;

/**
 * Reads the bounds of models that have some; undefined if none was given.
 *
 * @param option The option that names the models.
 * @throws {UsageError} If a bound has a wrong value, or no model has bounds.
 */
export function boundsFor(
  option: string,
  models: readonly Model[],
  { maxSlots, maxLanes, memory, stay }: RawBounds,
): AutoBounds | undefined {
  const given = Object.entries({
    "--max-slots": maxSlots,
    "--max-lanes": maxLanes,
    "--memory": memory,
    "--stay": stay,
  }).find(([, value]) => value !== undefined);
  if (given === undefined) return undefined;
  if (models.every(isFixed)) {
    const remedy = `leave it out, or add ${option} auto`;
    throw new UsageError(given[0], given[1]!, "no model chosen finds its own size", remedy);
  }
  const mostSlots = { max: MODEL_TABLE.auto.mostSlots };
  const bounds = {
    ...(maxSlots !== undefined && {
      maxSlots: positiveInteger("--max-slots", maxSlots, mostSlots),
    }),
    ...(maxLanes !== undefined && {
      maxLanes: positiveInteger("--max-lanes", maxLanes, { max: LANE_LIMIT }),
    }),
    ...(memory !== undefined && { memoryBytes: size("--memory", memory) }),
    ...(stay !== undefined && { stay: oneOf("--stay", stay, ["loop"]) }),
  };
  if (stay !== undefined && maxLanes !== undefined) {
    const problem = "no lane is started with --stay loop";
    throw new UsageError("--max-lanes", maxLanes, problem, "leave one of the two out");
  }
  return bounds;
}

/** Refuses a size for models that find their own. */
export function refuseSize(name: "lanes" | "slots", value: string): never {
  const bound = `bound it with --max-${name}, or leave it out`;
  throw new UsageError(`--${name}`, value, `auto finds out how many ${name} it needs`, bound);
}

export interface RawServerOptions {
  readonly servers?: string;
  readonly user?: string;
  readonly creds?: string;
  readonly tlsCa?: string;
}

/** Far more than credentials and certificates have, which is a few kilobytes. */
const LARGEST = { maxBytes: 1 << 20 };

/** The password is never an argument, because all processes of a machine can read those. */
export const PASSWORD_VARIABLE = "NATS_PASSWORD";

export const SERVER_HELP = {
  servers: "the NATS server, such as nats://127.0.0.1:4222, or several",
  user: `the user name at the server; its password is taken from ${PASSWORD_VARIABLE}`,
  creds: "a file of credentials for the server",
  tlsCa: "a file of certificates to check the server's with",
} as const;

/** Returns undefined if no server was given; throws a UsageError for a wrong value. */
export async function readServerOptions(
  { servers, user, creds, tlsCa }: RawServerOptions,
): Promise<ServerOptions | undefined> {
  if (servers === undefined) {
    const others = { "--user": user, "--creds": creds, "--tls-ca": tlsCa };
    for (const [name, value] of Object.entries(others)) needs(false, name, value, "--servers");
    return undefined;
  }
  const password = user === undefined ? undefined : Deno.env.get(PASSWORD_VARIABLE);
  // Tasks may be allowed to read the environment, and must not see the password.
  if (password !== undefined) Deno.env.delete(PASSWORD_VARIABLE);
  return {
    servers: servers.split(",").map(serverOf),
    ...(user !== undefined && { user, password: password ?? "" }),
    ...(creds !== undefined && { creds: await smallFile("--creds", creds, "creds") }),
    ...(tlsCa !== undefined && { tlsCa: await smallFile("--tls-ca", tlsCa, "tlsCa") }),
  };
}

/** Checks a file that is read again for each connection, which a pipe doesn't allow. */
async function smallFile(option: string, typed: string, of: "creds" | "tlsCa"): Promise<string> {
  const path = await inputFile(option, userPath(typed), LARGEST);
  if (!(await Deno.stat(path)).isFile) {
    throw new UsageError(option, typed, "no file that can be read again", "write it to a file");
  }
  const { SERVER_FILES } = await import("../lanes/cluster/broker.ts");
  const { what, mark, name } = SERVER_FILES[of];
  if ((await Deno.readTextFile(path)).includes(mark)) return path;
  throw new UsageError(option, typed, `it holds no ${what}`, name);
}

/** The server for models that need one; throws a UsageError if it is missing, or if no model needs one. */
export async function serverFor(
  option: string,
  typed: string | undefined,
  models: readonly Model[],
  raw: RawServerOptions,
): Promise<ServerOptions | undefined> {
  const server = await readServerOptions(raw);
  const needing = models.find(needsServer);
  if (needing !== undefined && server === undefined) {
    const remedy = "add --servers, such as --servers nats://127.0.0.1:4222";
    throw new UsageError(option, typed ?? needing, `${needing} needs a server`, remedy);
  }
  if (needing === undefined && server !== undefined) {
    const remedy = `leave it out, or add ${option} cluster`;
    throw new UsageError("--servers", raw.servers!, "no model chosen needs a server", remedy);
  }
  return server;
}

/** Turns a child's message that it can't use the server into a UsageError; undefined for other messages. */
export function serverFault(message: string): UsageError | undefined {
  const [, where, problem, remedy] =
    /could not be had: Cannot use (.+?): (.+); ([^;]+)$/s.exec(message) ??
      /could not be had: (?=.* at (\S+);)(no machine .+); ([^;]+)$/s.exec(message) ?? [];
  return where && problem && remedy
    ? new UsageError("--servers", where, plain(problem), plain(remedy))
    : undefined;
}

function serverOf(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`);
  const remedy = "give an address such as nats://127.0.0.1:4222";
  if (url === null || !/^(nats|tls):$/.test(url.protocol) || url.hostname === "") {
    throw new UsageError("--servers", text, "not a NATS server's address", remedy);
  }
  if (url.username !== "" || url.password !== "") {
    const problem = "names and passwords in an address are seen by all";
    const shown = text.replace(/[^/@]*@/, "…@");
    throw new UsageError("--servers", shown, problem, `use --user and ${PASSWORD_VARIABLE}`);
  }
  return text.trim();
}
