/** Finds out why a download failed: `fetch` has no error codes, only names and messages, often of a cause. */

import { propertyOf, withCauses } from "../lanes/attempt.ts";

/** Why a download failed, in plain words, or for example `HTTP 404` if the response isn't a page. */
export type FailureReason =
  | "refused"
  | "dns"
  | "tls"
  | "timed out"
  | "reset"
  | "truncated"
  | "too many open files"
  | "unreachable"
  | "refused stream"
  | "http/2 error"
  | "redirect loop"
  | "redirect not permitted"
  | "bad encoding"
  | "garbled answer"
  | "proxy"
  | "permission"
  | "invalid url"
  | "cancelled"
  | "other"
  | `HTTP ${number}`;

export interface Failure {
  readonly reason: FailureReason;
  /** The message from which the reason was found. */
  readonly detail: string;
  readonly retryable: boolean;
}

/**
 * The signs of each reason in an error's name, message and code (that of Node's clients, which often is all that
 * an error says); the first that matches decides. Error numbers are those of Linux, macOS and Windows.
 */
const SIGNS: readonly (readonly [FailureReason, RegExp])[] = [
  ["permission", /^NotCapable:/],
  ["timed out", /^TimeoutError:/],
  ["cancelled", /^(AbortError|Interrupted):/],
  ["too many open files", /too many open (files|sockets)|os error (24|10024)\b/i],
  ["proxy", /unsuccessful tunnel|tunnel error|proxy auth|\bsocks|invalid response version/i],
  ["redirect loop", /maximum number of redirects|too many redirects/i],
  [
    "garbled answer",
    /invalid http (version|status|header|token|method|uri)|invalid content-length|message head is too large/i,
  ],
  [
    "bad encoding",
    /invalid (gzip|zlib|deflate|zstd|brotli) |(brotli|deflate|gzip|zstd|decompression) error|corrupt (deflate|gzip) stream|crc computed does not match|amount of bytes read does not match/i,
  ],
  ["refused stream", /refused stream/i],
  ["http/2 error", /http2 error|(stream|connection) error (received|sent|detected):/i],
  ["dns", /dns error|failed to lookup address|getaddrinfo/i],
  [
    "tls",
    /certificate|\btls\b|\bssl\b|handshake|InvalidContentType|received corrupt message|UnknownIssuer|peer is incompatible|received fatal alert/i,
  ],
  [
    "refused",
    /^ConnectionRefused:|connection refused|os error (111|61|10061)\b|requests to port \d+ are blocked/i,
  ],
  ["timed out", /timed? ?out|os error (110|60|10060)\b/i],
  [
    "unreachable",
    /^AddrNotAvailable:|unreachable|no route to host|tcp (connect|open) error|os error (99|101|113|49|51|65|10049|10051|10065)\b/i,
  ],
  [
    "truncated",
    /^UnexpectedEof:|error reading a body|unexpected (end of file|eof)|end of file before message length/i,
  ],
  [
    "reset",
    /^(ConnectionReset|ConnectionAborted|BrokenPipe):|connection (reset|closed|aborted|error)|broken pipe|(hung|hang) up|closed before message|os error (104|32|54|103|53|10053|10054)\b|IncompleteMessage/i,
  ],
  ["invalid url", /invalid url|url scheme|redirect to a non http|relative url without a base/i],
  ["refused", /\bECONNREFUSED$/],
  ["reset", /\b(ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET)$/],
  ["too many open files", /\b(EMFILE|ENFILE)$/],
  ["timed out", /\b(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/],
  ["dns", /\b(ENOTFOUND|EAI_AGAIN)$/],
  ["unreachable", /\b(EHOSTUNREACH|ENETUNREACH)$/],
];

/** Reasons that another attempt can't fix; for responses, retryableStatus() decides. */
const FINAL: ReadonlySet<FailureReason> = new Set([
  "permission",
  "invalid url",
  "cancelled",
  "tls",
  "redirect loop",
  "redirect not permitted",
  "bad encoding",
  "garbled answer",
]);

/** How many errors are inspected; errors that contain each other would go on forever. */
const MOST_ERRORS = 100;

type Shown = Readonly<Record<"name" | "message" | "code", string>>;

/** The error, its causes, and the errors of an AggregateError, outermost first. */
function* unfold(error: unknown, seen = new Set<unknown>()): Generator<Shown> {
  for (const at of withCauses(error)) {
    if (seen.has(at) || seen.size === MOST_ERRORS) return;
    seen.add(at);
    const code = propertyOf(at, "code");
    const errors = propertyOf(at, "errors");
    yield {
      name: String(propertyOf(at, "name") ?? ""),
      message: String(typeof at === "object" ? propertyOf(at, "message") ?? "" : at),
      code: typeof code === "string" ? code : "",
    };
    if (Array.isArray(errors)) { for (const inner of errors) yield* unfold(inner, seen); }
  }
}

/** A URL in a message may contain words that the rules look for. */
function withoutUrls(message: string): string {
  return message.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s)]*/gi, "<url>");
}

/** Whether another attempt is worth it: the status tells of a passing state of the server. */
export function retryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status < 600);
}

export function classifyFailure(error: unknown): Failure {
  const shown = [...unfold(error)];
  for (const { name, message: detail, code } of shown) {
    const said = `${name}: ${withoutUrls(detail)} ${code}`;
    const [reason] = SIGNS.find(([, sign]) => sign.test(said)) ?? [];
    if (reason !== undefined) return { reason, detail, retryable: !FINAL.has(reason) };
  }
  const innermost = shown.at(-1);
  const detail = innermost?.message || innermost?.name || "no reason was given";
  return { reason: "other", detail, retryable: !(error instanceof RangeError) };
}
