/**
 * Lists of web addresses: from options and from files, and whether they may be reached.
 *
 * @module
 */

import { readText } from "../files/text_file.ts";
import { inputFile } from "./files.ts";
import { UsageError } from "./usage_error.ts";
import { httpUrl } from "./words.ts";

/** A list of addresses that is longer than this is something else. */
const LARGEST_LIST_BYTES = 16 * 1024 * 1024;

/**
 * Reads addresses from a file, one a line; blank lines and lines that begin with `#` don't count.
 *
 * @throws {UsageError} If the file can't be read, has no address, or a line isn't one.
 */
export async function urlsIn(option: string, path: string): Promise<URL[]> {
  await inputFile(option, path, { maxBytes: LARGEST_LIST_BYTES });
  const lines = (await readText(path)).split(/\r\n|\r|\n/);
  const urls: URL[] = [];
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    if (text !== "" && !text.startsWith("#")) {
      urls.push(httpUrl(`${option}, line ${at + 1},`, text));
    }
  }
  if (urls.length === 0) {
    throw new UsageError(option, path, "no address in it", "write one on each line");
  }
  return urls;
}

/** The hosts of addresses, as `--allow-net` takes them. */
export function hostsOf(urls: readonly URL[]): string[] {
  const hosts = urls.map(({ hostname, port, protocol }) =>
    `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`
  );
  return [...new Set(hosts)];
}

/**
 * Makes sure that hosts may be reached: asks on a terminal, and otherwise says which command works.
 *
 * @throws {UsageError} If a host may not be reached.
 */
export async function requireNet(
  option: string,
  urls: readonly URL[],
  remedy: string,
): Promise<void> {
  for (const host of hostsOf(urls)) {
    const permission = { name: "net", host } as const;
    let { state } = await Deno.permissions.query(permission);
    if (state === "prompt" && Deno.stdin.isTerminal() && Deno.stderr.isTerminal()) {
      ({ state } = await Deno.permissions.request(permission));
    }
    if (state !== "granted") {
      const first = urls.find((url) => hostsOf([url])[0] === host)!;
      throw new UsageError(option, first.href, `this task may not reach ${host}`, remedy);
    }
  }
}
