import { assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { classifyFailure, retryableStatus } from "../../lib/tasks/classify_failure.ts";

const SENT = "error sending request for url (http://dns.example/tls): client error (Connect): ";

function fetchFailed(cause: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(cause) });
}

const coded = (message: string, code: string) => Object.assign(new Error(message), { code });

// Errors that Deno 2.9 threw when each failure was caused, and errors of Node's clients with a code.
const SEEN: [string, unknown, string, boolean][] = [
  [
    "redirects in a circle",
    new TypeError("Fetch failed: Maximum number of redirects (20) reached"),
    "redirect loop",
    false,
  ],
  ["a socket of node:http that was closed", coded("socket hang up", "ECONNRESET"), "reset", true],
  [
    "a socket of undici that was closed",
    coded("other side closed", "UND_ERR_SOCKET"),
    "reset",
    true,
  ],
  ["a reset that only its code names", coded("read ECONNRESET", "ECONNRESET"), "reset", true],
  ["a refused connection of node:net", coded("connect 127.0.0.1", "ECONNREFUSED"), "refused", true],
  ["a deadline of axios", coded("timeout of 9ms exceeded", "ECONNABORTED"), "timed out", true],
  ["no more descriptors", coded("open x", "EMFILE"), "too many open files", true],
  ["a server's own words for it", new Error("the server hung up"), "reset", true],
  ["a proxy that lets nothing through", fetchFailed(SENT + "unsuccessful tunnel"), "proxy", true],
  ["a proxy of another kind", fetchFailed(SENT + "Invalid response version"), "proxy", true],
  [
    "an answer that is no HTTP",
    fetchFailed("x (127.0.0.1:1): client error (SendRequest): invalid HTTP version parsed"),
    "garbled answer",
    false,
  ],
  [
    "an endless header",
    fetchFailed("x (127.0.0.1:1): client error (SendRequest): message head is too large"),
    "garbled answer",
    false,
  ],
  ["text that claims to be gzip", new TypeError("Invalid gzip header"), "bad encoding", false],
  [
    "gzip with a flipped bit",
    new TypeError("deflate decompression error: invalid code lengths set"),
    "bad encoding",
    false,
  ],
  [
    "gzip with a wrong checksum",
    new TypeError("CRC computed does not match"),
    "bad encoding",
    false,
  ],
  ["text that claims to be Brotli", new TypeError("brotli error"), "bad encoding", false],
  ["Brotli cut off", new TypeError("reached unexpected EOF"), "truncated", true],
  [
    "a stream that HTTP/2 refused",
    fetchFailed("stream error received: refused stream before processing any application logic"),
    "refused stream",
    true,
  ],
  [
    "a server that HTTP/2 is too much for",
    fetchFailed("stream error received: detected excessive load generating behavior"),
    "http/2 error",
    true,
  ],
  [
    "a refused connection",
    fetchFailed(SENT + "tcp connect error: Connection refused (os error 111)"),
    "refused",
    true,
  ],
  [
    "a port that fetch never asks",
    new TypeError("Fetch failed: Requests to port 1 are blocked"),
    "refused",
    true,
  ],
  [
    "an unknown name",
    fetchFailed(
      "error sending request for url (http://no.invalid/): client error (Connect): dns error: failed to lookup address information: Name or service not known",
    ),
    "dns",
    true,
  ],
  [
    "a server without TLS",
    fetchFailed(SENT + "received corrupt message of type InvalidContentType"),
    "tls",
    false,
  ],
  [
    "an unknown certificate",
    fetchFailed(SENT + "invalid peer certificate: UnknownIssuer"),
    "tls",
    false,
  ],
  [
    "a timeout",
    new DOMException("The operation was aborted due to timeout", "TimeoutError"),
    "timed out",
    true,
  ],
  [
    "a system's timeout",
    fetchFailed(SENT + "tcp connect error: Connection timed out (os error 110)"),
    "timed out",
    true,
  ],
  [
    "a connection closed without an answer",
    fetchFailed(
      "error sending request from 127.0.0.1:37688 for http://127.0.0.1:35329/closed (127.0.0.1:35329): client error (SendRequest): connection closed before message completed",
    ),
    "reset",
    true,
  ],
  [
    "a reset",
    fetchFailed(SENT + "connection error: Connection reset by peer (os error 104)"),
    "reset",
    true,
  ],
  ["a reset of Deno's own", new Deno.errors.ConnectionReset("x"), "reset", true],
  ["half a body", new TypeError("error reading a body from connection"), "truncated", true],
  ["half a gzip", new TypeError("unexpected end of file"), "truncated", true],
  [
    "no file descriptor left",
    fetchFailed(SENT + "tcp open error: Too many open files (os error 24)"),
    "too many open files",
    true,
  ],
  [
    "no way there",
    fetchFailed(SENT + "tcp connect error: Network is unreachable (os error 101)"),
    "unreachable",
    true,
  ],
  [
    "a wrong address",
    fetchFailed(SENT + "tcp connect error: Invalid argument (os error 22)"),
    "unreachable",
    true,
  ],
  [
    "a missing permission",
    new Deno.errors.NotCapable(
      'Requires net access to "a.example:80", run again with the --allow-net flag',
    ),
    "permission",
    false,
  ],
  ["no URL", new TypeError("Invalid URL: 'nope'"), "invalid url", false],
  ["another scheme", new TypeError("Url scheme 'ftp' not supported"), "invalid url", false],
  [
    "a redirect elsewhere",
    new TypeError("Fetch failed: Can not redirect to a non HTTP(s) url"),
    "invalid url",
    false,
  ],
  ["a cancel", new DOMException("The signal has been aborted", "AbortError"), "cancelled", false],
  [
    "garbage instead of HTTP",
    fetchFailed("error sending request: client error (SendRequest): invalid HTTP version parsed"),
    "garbled answer",
    false,
  ],
];

for (const [what, error, reason, retryable] of SEEN) {
  Deno.test(`classifyFailure() calls ${what} "${reason}"`, () => {
    const failure = classifyFailure(error);
    assertEquals([failure.reason, failure.retryable], [reason, retryable]);
  });
}

Deno.test("classifyFailure() says which host a permission is missing for", () => {
  const error = new Deno.errors.NotCapable('Requires net access to "a.example:80", run again');
  assertEquals(classifyFailure(error).detail.includes("a.example:80"), true);
});

Deno.test("classifyFailure() isn't misled by words in an address", () => {
  const cause =
    "error sending request for url (http://certificate.example/dns%20error?tls): client error (Connect): tcp connect error: Connection refused (os error 111)";
  assertEquals(classifyFailure(fetchFailed(cause)).reason, "refused");
});

Deno.test("classifyFailure() looks into what an AggregateError holds", () => {
  const error = new AggregateError(
    [new Error("x"), fetchFailed("Connection refused")],
    "all failed",
  );
  assertEquals(classifyFailure(error).reason, "refused");
});

Deno.test("classifyFailure() ends on a cause that goes round in circles", () => {
  const error = new Error("a");
  error.cause = error;
  assertEquals(classifyFailure(error), { reason: "other", detail: "a", retryable: true });
});

Deno.test("classifyFailure() ends on errors that hold each other, or are made as they are looked at", () => {
  const round = new AggregateError([], "round");
  round.errors.push(round, new Error("in the end"));
  assertEquals(classifyFailure(round).detail, "in the end");
  const endless = (): object => ({
    message: "more",
    get errors() {
      return [endless(), endless()];
    },
  });
  assertEquals(classifyFailure(endless()).detail, "more");
});

Deno.test("classifyFailure() answers whatever is thrown", () => {
  fc.assert(fc.property(fc.anything(), (thrown) => {
    const { reason, detail } = classifyFailure(thrown);
    assertEquals([typeof reason, typeof detail], ["string", "string"]);
  }));
  assertEquals(classifyFailure(undefined).detail, "no reason was given");
});

Deno.test("retryableStatus() holds for passing states only", () => {
  const retryable = Array.from({ length: 500 }, (_, index) => 100 + index).filter(retryableStatus);
  assertEquals(retryable.filter((status) => status < 500), [408, 425, 429]);
  assertEquals(retryable.filter((status) => status >= 500).length, 100);
});
