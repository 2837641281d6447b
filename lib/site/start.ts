/**
 * Starts the test site in a process of its own, so that it takes no time from the event loop that is
 * measured.
 *
 * @module
 */

import type { SiteStats } from "./handler.ts";
import type { SiteOptions } from "./options.ts";
import type { SiteGreeting } from "./site_main.ts";

/** A test site that runs in a process of its own. */
export interface Site extends AsyncDisposable {
  /** Where it is, without a slash at the end: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The hosts, with ports, that a client must be allowed to reach. */
  readonly hosts: readonly string[];
  /** Its process's id. */
  readonly pid: number;
  /** Settles when the process has ended, however that came. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Lists 2 × `copies` addresses to download: the site's two pages in turn, no two the same. */
  urls(copies: number): string[];
  /** Asks for the site's load since it started or counting restarted; `restart` begins counting anew. */
  stats(options?: { readonly restart?: boolean }): Promise<SiteStats>;
  /** Ends the process and waits until it has ended. */
  close(): Promise<void>;
}

/** The test site could not be started. */
export class SiteError extends Error {
  /** Always `"SiteError"`. */
  override readonly name = "SiteError";
  /** Whether the reason is that the port is taken. */
  readonly portInUse: boolean;

  constructor(message: string, portInUse = false) {
    super(message);
    this.portInUse = portInUse;
  }
}

const PAGES = 2;
/** How long the process may take until it serves; it takes some 50 ms. */
const START_LIMIT_MS = 15_000;
/** How long it may take to end by itself before it is killed. */
const END_LIMIT_MS = 1_000;
/** How much of its stderr is kept, to say why it did not start. */
const STDERR_KEPT = 2_000;

/** What `promise` gives, or undefined if it takes too long. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a stream to its end, so that the process never waits for a reader; tells lines as they come. */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-STDERR_KEPT);
    for (const line of lines) onLine(line);
  }
  if (rest !== "") onLine(rest);
}

function spawn(options: SiteOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--cached-only",
        "--no-config",
        "--allow-net=127.0.0.1",
        new URL("./site_main.ts", import.meta.url).href,
        JSON.stringify(options),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new SiteError(`Cannot start the test site: ${(error as Error).message}`);
  }
}

/**
 * Starts the test site in a process of its own, which ends with this one, too.
 *
 * @throws {SiteError} If it can't be started, such as when the port is taken.
 * @throws {Deno.errors.NotCapable} If this process may not run Deno.
 */
export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const child = spawn(options);
  const ended = child.status;
  let said = "";
  const errors = readLines(child.stderr, (line) => {
    said = `${said} ${line}`.slice(0, STDERR_KEPT);
  });
  let output: Promise<void> = Promise.resolve();
  const greeted = new Promise<string | undefined>((resolve) => {
    output = readLines(child.stdout, resolve).finally(() => resolve(undefined));
  });

  let closing: Promise<void> | undefined;
  const close = () =>
    closing ??= (async () => {
      await child.stdin.close().catch(() => {}); // it may have ended before
      if (await within(ended, END_LIMIT_MS) === undefined) {
        try {
          child.kill("SIGKILL");
        } catch {
          // It ended just now.
        }
      }
      await Promise.all([ended, errors, output]);
    })();

  const line = await within(greeted, START_LIMIT_MS);
  const greeting = readGreeting(line);
  if (greeting === undefined || "error" in greeting) {
    await close();
    const why = greeting?.error.message ?? (said.trim() || "its process said nothing");
    const portInUse = greeting?.error.name === "AddrInUse";
    throw new SiteError(`Cannot start the test site: ${why}`, portInUse);
  }
  const { url, hosts } = greeting;
  return {
    url,
    hosts,
    pid: child.pid,
    ended,
    urls: (copies) =>
      Array.from(
        { length: PAGES * copies },
        (_, index) => `${url}/page/${index % PAGES + 1}?copy=${Math.floor(index / PAGES) + 1}`,
      ),
    stats: async ({ restart = false } = {}) => {
      const response = await fetch(`${url}/_stats${restart ? "?restart=1" : ""}`);
      return await response.json();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function readGreeting(line: string | undefined): SiteGreeting | undefined {
  try {
    return line === undefined ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}
