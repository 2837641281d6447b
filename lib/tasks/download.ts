/**
 * Task: downloads one page and reads all of it. It waits for the network and needs hardly any CPU time.
 *
 * A body that isn't read to its end costs the connection, so every body is read, also that of an error. Each
 * isolate has its own pool of connections, so `workers` corresponds to Python threads with a session each.
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

/** The page to download, and how. */
export interface DownloadItem {
  /** The page's address, `http:` or `https:`. */
  readonly url: string;
  /** How many milliseconds it may take from its start to the body's last byte; no limit unless given. */
  readonly timeoutMs?: number;
  /**
   * Whether to tell the server the number of the attempt in the header `x-attempt`; default false. The test
   * site uses it to fail the same attempts in every run, so that its faults pass on a later attempt.
   */
  readonly tellAttempt?: boolean;
}

/** A downloaded page. */
export interface Download {
  /** The requested address, before any redirect. */
  readonly url: string;
  /** The response's HTTP status, 200 to 299. */
  readonly status: number;
  /** The body's length, in bytes. */
  readonly bytes: number;
  /** Fletcher's checksum of the body, in hexadecimal: equal for equal pages. */
  readonly checksum: string;
}

/** Details of a failed download besides its reason. */
interface DownloadErrorOptions extends ErrorOptions {
  readonly status?: number;
  readonly retryAfterMs?: number | undefined;
  readonly retryable: boolean;
}

/** A download that failed. */
export class DownloadError extends Error {
  /** Always `"DownloadError"`. */
  override readonly name = "DownloadError";
  /** The reason in plain words; the message begins with it. */
  readonly code: FailureReason;
  /** The response's HTTP status, if there was a response. */
  declare readonly status?: number;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfterMs?: number;
  /** Whether another attempt may help. */
  readonly retryable: boolean;

  constructor(reason: FailureReason, detail: string, options: DownloadErrorOptions) {
    super(`${reason}: ${detail}`, options);
    this.code = reason;
    this.retryable = options.retryable;
    // Only known values become properties, so that the error looks the same after it crossed a lane.
    if (options.status !== undefined) this.status = options.status;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** For pages that change from one request to the next: only the status must be equal between models. */
export function statusOf({ status }: Download): number {
  return status;
}

/**
 * Bodies up to this length, in bytes, are read in one piece, which is faster; longer ones in parts, so that
 * memory use stays flat whatever their real or announced length.
 */
const ONE_PIECE_BYTES = 1024 * 1024;

// An isolate's first fetch makes its HTTP client, which takes some 10 ms of computing. Done here, that is part
// of the lane's start, as opening a session is in Python, and not of its first page. It accesses nothing.
await (await fetch("data:,")).arrayBuffer();

/** Checks that the address starts with http or https; fetch reports addresses that are otherwise invalid. */
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

/** Error messages must not show a password that is in the address. */
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
 * @throws {DownloadError} If the download fails: `code` says why in plain words; `status`, `retryAfterMs` and
 * `retryable` say what else is known.
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
      // Even reading `response.body` would make a stream of it, which is what takes time.
      body.add(new Uint8Array(await response.arrayBuffer()));
    } else {
      for await (const part of response.body ?? []) body.add(part);
    }
    if (!response.ok) throw statusError(url, response);
    return { url, status: response.status, bytes: body.bytes, checksum: body.checksum() };
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    // When the signal is aborted, its reason says more than fetch's error.
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

/** A signal that is aborted with another one or when the time is over; `end` stops the timer. */
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

/** A signal can be aborted with any reason; unless it is a timeout, the download was cancelled. */
function stopFailure(reason: unknown): Failure {
  const failure = classifyFailure(reason);
  return failure.reason === "timed out"
    ? failure
    : { reason: "cancelled", detail: failure.detail, retryable: false };
}

/** The failure if a redirect led to a host that the task may not reach; undefined for anything else. */
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
