/**
 * Task: downloads one page and reads all of it. What waits here is the network; the CPU hardly works.
 *
 * A body that isn't read to its end costs the connection, so every body is read, errors' too. Each
 * isolate has a pool of connections of its own: `workers` is what Python's threads with a session
 * each are.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";
import { BodySum } from "./body_sum.ts";
import {
  classifyFailure,
  type Failure,
  type FailureReason,
  retryableStatus,
} from "./classify_failure.ts";
import { retryAfterMs } from "./http_signs.ts";

/** What to download, and how. */
export interface DownloadItem {
  /** The page's address, `http:` or `https:`. */
  readonly url: string;
  /** How long it may take from its start to the body's last byte, in milliseconds; unlimited unless told. */
  readonly timeoutMs?: number;
  /**
   * Whether to tell the server in the header `x-attempt` which try this is; default false. The
   * test site uses it, so that its faults pass with another try and are yet the same in every run.
   */
  readonly tellAttempt?: boolean;
}

/** What came. */
export interface Download {
  /** The address asked for, not the one redirected to. */
  readonly url: string;
  /** The answer's HTTP status, 200 to 299. */
  readonly status: number;
  /** The body's length, in bytes. */
  readonly bytes: number;
  /** Fletcher's checksum of the body, in hex: equal for equal pages. */
  readonly checksum: string;
}

/** What is known about a failed download beside its reason. */
interface DownloadErrorOptions extends ErrorOptions {
  readonly status?: number;
  readonly retryAfterMs?: number | undefined;
  readonly retryable: boolean;
}

/** A download that gave no page. */
export class DownloadError extends Error {
  /** Always `"DownloadError"`. */
  override readonly name = "DownloadError";
  /** Why, in plain words; the message begins with it. */
  readonly code: FailureReason;
  /** The answer's HTTP status, if there was an answer. */
  declare readonly status?: number;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfterMs?: number;
  /** Whether trying again may help. */
  readonly retryable: boolean;

  constructor(reason: FailureReason, detail: string, options: DownloadErrorOptions) {
    super(`${reason}: ${detail}`, options);
    this.code = reason;
    this.retryable = options.retryable;
    // Only what is known becomes a property, so that an error looks the same after it crossed a lane.
    if (options.status !== undefined) this.status = options.status;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** What must be equal between models where pages change from one request to the next: the status. */
export function statusOf({ status }: Download): number {
  return status;
}

/**
 * Bodies up to this length are read in one piece, which is quicker; longer ones part by part, so that
 * memory stays flat however long they are, and however long they claim to be.
 */
const ONE_PIECE_BYTES = 1024 * 1024;

// An isolate's first fetch makes its HTTP client, some 10 ms of computing. Done here it is part of the
// lane's start, as opening a session is in Python, and not of its first page. It reaches nothing.
await (await fetch("data:,")).arrayBuffer();

/** What to download, if its address is of a kind that can be; fetch says so if it is none at all. */
function checked(item: DownloadItem | string): DownloadItem {
  const given = typeof item === "string" ? { url: item } : item;
  if (!/^\s*https?:/i.test(given.url)) {
    throw new DownloadError(
      "invalid url",
      `${JSON.stringify(given.url)} is no address that starts with http:// or https://`,
      { retryable: false },
    );
  }
  return given;
}

/** A password in an address is not for error messages. */
function shownUrl(url: string): string {
  const shown = URL.parse(url);
  if (shown === null) return JSON.stringify(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}

/**
 * Downloads a page.
 *
 * @param item The page's address, or an object with it and options.
 * @param context Its signal stops the download.
 * @returns The page's status, length and checksum.
 * @throws {DownloadError} If there is no page: `code` says why in plain words, `status`,
 * `retryAfterMs` and `retryable` what else is known.
 *
 * @example
 * ```ts
 * import download from "./download.ts";
 *
 * const context = {
 *   signal: new AbortController().signal,
 *   index: 0,
 *   attempt: 1,
 *   cancelled: () => false,
 * };
 * try {
 *   await download("file:///etc/hosts", context);
 * } catch (error) {
 *   console.log((error as Error).name); // "DownloadError"
 * }
 * ```
 */
export default async function download(
  item: DownloadItem | string,
  context: TaskContext,
): Promise<Download> {
  const { url, timeoutMs, tellAttempt } = checked(item);
  const limit = timeLimit(context.signal, timeoutMs);
  const body = new BodySum();
  try {
    const headers = tellAttempt === true ? { "x-attempt": String(context.attempt) } : undefined;
    const response = await fetch(url, { signal: limit.signal, headers });
    const length = response.headers.get("content-length");
    if (length !== null && Number(length) <= ONE_PIECE_BYTES) {
      // Not even a look at `response.body`: it makes a stream of it, and that is what takes time.
      body.add(new Uint8Array(await response.arrayBuffer()));
    } else {
      for await (const part of response.body ?? []) body.add(part);
    }
    if (!response.ok) throw statusError(url, response);
    return { url, status: response.status, bytes: body.bytes, checksum: body.checksum() };
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    // Whatever fetch makes of an abort, its own reason says why.
    const { reason, detail, retryable } = limit.signal.aborted
      ? stopFailure(limit.signal.reason)
      : redirectFailure(url, error) ?? classifyFailure(error);
    const read = body.bytes > 0 ? `, after ${body.bytes} bytes` : "";
    throw new DownloadError(reason, `GET ${shownUrl(url)}: ${detail}${read}`, {
      retryable,
      cause: error,
    });
  } finally {
    limit.end();
  }
}

/** A signal that is aborted with another, or when time is over; ended, it holds nothing. */
function timeLimit(
  outer: AbortSignal,
  timeoutMs: number | undefined,
): { signal: AbortSignal; end: () => void } {
  if (timeoutMs === undefined || outer.aborted) return { signal: outer, end: () => {} };
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new DOMException(`no whole page within ${timeoutMs} ms`, "TimeoutError"));
  }, timeoutMs);
  return { signal: AbortSignal.any([outer, limit.signal]), end: () => clearTimeout(timer) };
}

/** A signal may be aborted with anything; unless it says that time ran out, it means "cancelled". */
function stopFailure(reason: unknown): Failure {
  const failure = classifyFailure(reason);
  return failure.reason === "timed out"
    ? failure
    : { reason: "cancelled", detail: failure.detail, retryable: false };
}

/** What is wrong if a redirect led to where the task may not go; undefined for anything else. */
function redirectFailure(url: string, error: unknown): Failure | undefined {
  if (!(error instanceof Deno.errors.NotCapable)) return undefined;
  const host = /net access to "([^"]+)"/.exec(error.message)?.[1];
  const asked = URL.parse(url);
  if (host === undefined || asked === null) return undefined;
  const port = asked.port === "" ? (asked.protocol === "https:" ? "443" : "80") : asked.port;
  if (host === `${asked.hostname}:${port}` || host === asked.hostname) return undefined;
  return {
    reason: "redirect not permitted",
    detail: `it leads to ${host}, which the task may not reach`,
    retryable: false,
  };
}

function statusError(url: string, { status, headers }: Response): DownloadError {
  const waitMs = status === 429 || status === 503
    ? retryAfterMs(headers.get("retry-after"), Date.now())
    : undefined;
  const wait = waitMs === undefined ? "" : `, to be tried again after ${waitMs} ms`;
  return new DownloadError(`HTTP ${status}`, `GET ${shownUrl(url)}${wait}`, {
    status,
    retryable: retryableStatus(status),
    retryAfterMs: waitMs,
  });
}
