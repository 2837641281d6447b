import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { asyncContext } from "../../lib/lanes/async_context.ts";
import {
  beginSpan,
  readSpan,
  type SpanContext,
  spanNumbers,
  traced,
} from "../../lib/lanes/telemetry.ts";
import { CancelledError, TimeoutError } from "../../lib/lanes/errors.ts";
import type { TaskContext } from "../../lib/lanes/task.ts";

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

interface Noted {
  readonly name: string;
  readonly attributes: unknown;
  readonly parent: string | undefined;
  status?: unknown;
  exception?: unknown;
  startTime?: number;
  isCancelled?: unknown;
  isEnded: boolean;
}

class FakeContext {
  readonly span: { spanContext(): SpanContext } | undefined;

  constructor(span?: { spanContext(): SpanContext }) {
    this.span = span;
  }

  setValue(key: symbol, span: { spanContext(): SpanContext }): FakeContext {
    assertEquals(key, SPAN);
    return new FakeContext(span);
  }
}

/** A telemetry provider that records spans, until it is disposed. */
class FakeApi implements Disposable {
  readonly spans: Noted[] = [];
  active = new FakeContext();
  /** Called for each recorded exception. */
  record = (_exception: { readonly code?: unknown }): unknown => undefined;
  readonly #before: unknown = (globalThis as Record<symbol, unknown>)[API];

  constructor() {
    const trace = {
      getTracer: () => ({
        startSpan: (
          name: string,
          options: { attributes?: unknown; startTime?: number },
          at: FakeContext,
        ) => {
          const parent = at.span?.spanContext().spanId;
          const noted: Noted = { name, attributes: undefined, ...options, parent, isEnded: false };
          const spanId = String(this.spans.push(noted)).padStart(16, "0");
          return {
            spanContext: () => ({ traceId: "ab".repeat(16), spanId, traceFlags: 1 }),
            setAttribute: (name: string, value: unknown) => {
              assertEquals(name, "lanes.cancelled");
              noted.isCancelled = value;
            },
            setStatus: (status: unknown) => noted.status = status,
            recordException: (exception: { readonly code?: unknown }) => {
              this.record(exception);
              noted.exception = exception;
            },
            end: () => noted.isEnded = true,
          };
        },
      }),
    };
    const context = {
      active: () => this.active,
      with: <T>(inner: FakeContext, fn: () => T): T => {
        const outer = this.active;
        this.active = inner;
        try {
          return fn();
        } finally {
          this.active = outer;
        }
      },
    };
    Object.assign(globalThis, { [API]: { version: "1.9.0", trace, context } });
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, { [API]: this.#before });
  }
}

const task = { module: "file:///jobs/my_job.ts", export: "default" };
const given: TaskContext = {
  index: 4,
  attempt: 2,
  signal: new AbortController().signal,
  cancelled: () => false,
};
const parent: SpanContext = { traceId: "cd".repeat(16), spanId: "0123456789abcdef", traceFlags: 1 };

Deno.test("a span's context survives its way as a row of numbers", () => {
  assertEquals(readSpan([7, ...spanNumbers(parent)], 1), parent);
  const small = { traceId: "0".repeat(31) + "1", spanId: "f".repeat(16), traceFlags: 0 };
  assertEquals(readSpan(spanNumbers(small), 0), small);
  assertEquals(readSpan([1, 2], 2), undefined);
});

Deno.test("without telemetry a task is itself, and nothing begins", () => {
  const fn = () => 1;
  Object.assign(globalThis, { [API]: { version: "1.9.0", propagation: {} } });
  try {
    assert(traced({ task, fn }, parent) === fn);
  } finally {
    Object.assign(globalThis, { [API]: undefined });
  }
  assertEquals(beginSpan("map", task, asyncContext()), undefined);
  using _api = new FakeApi();
  assert(traced({ task, fn }, undefined) === fn);
});

Deno.test("what is done with a task is a span where its caller is, and its starts are spans below", () => {
  using api = new FakeApi();
  api.active = new FakeContext({ spanContext: () => ({ ...parent, spanId: "caller" }) });
  const span = beginSpan("map", task, asyncContext())!;
  api.active = new FakeContext();
  const inner: (string | undefined)[] = [];
  const fn = traced({
    task,
    fn: (n) => {
      inner.push(api.active.span?.spanContext().spanId);
      return Number(n) * 2;
    },
  }, span.context);
  assertEquals([fn(1, given), fn(2, given)], [2, 4]);
  span.end();
  const attributes = { "lanes.index": 4, "lanes.attempt": 2 };
  const below = {
    name: "task my_job",
    attributes,
    parent: span.context.spanId,
    isEnded: true,
  };
  assertEquals(api.spans, [
    { name: "map my_job", attributes: undefined, parent: "caller", isEnded: true },
    below,
    below,
  ]);
  assertEquals(inner.map(Number), [2, 3]);
  assertEquals(api.active.span, undefined);
});

Deno.test("a span ends when its task does, and says what that threw", async () => {
  using api = new FakeApi();
  const { promise, resolve } = Promise.withResolvers<number>();
  const waits = traced({ task, fn: () => promise }, parent)(1, given);
  assertEquals(api.spans[0]!.isEnded, false);
  resolve(7);
  assertEquals([await waits, api.spans[0]!.isEnded], [7, true]);
  const error = new RangeError("no");
  await assertRejects(() =>
    traced({ task, fn: () => Promise.reject(error) }, parent)(1, given) as Promise<unknown>
  );
  assertThrows(() =>
    traced({
      task,
      fn: () => {
        throw "a word";
      },
    }, parent)(1, given)
  );
  assertEquals(api.spans.slice(1).map(({ status, exception }) => [status, exception]), [
    [{ code: 2, message: "no" }, error],
    [{ code: 2, message: "a word" }, "a word"],
  ]);
  const span = beginSpan("run", { module: "function:", export: "" }, asyncContext())!;
  span.note("an item");
  assertEquals(api.spans.at(-1)!.exception, "an item");
  span.end({ error });
  const { name, status } = api.spans.at(-1)!;
  assertEquals([name, status], ["run function", { code: 2, message: "no" }]);
});

Deno.test("what resists every question ends its span, and is thrown as it is", () => {
  using api = new FakeApi();
  const refuse = () => {
    throw new Error("no");
  };
  const hostile = Object.defineProperty(new Error("kept"), "code", { get: refuse });
  api.record = ({ code }) => code;
  const throws = () => {
    throw hostile;
  };
  assert(assertThrows(() => traced({ task, fn: throws }, parent)(1, given)) === hostile);
  const fn = () => Object.defineProperty({}, "then", { get: refuse });
  assertThrows(() => traced({ task, fn }, parent)(1, given), Error, "no");
  beginSpan("run", task, asyncContext())!.note(hostile);
  assertEquals(api.spans.slice(0, 2).map(({ isEnded }) => isEnded), [true, true]);
});

Deno.test("what stops because nobody wants it any more is no error, what passed its deadline is", () => {
  using api = new FakeApi();
  for (const reason of [new CancelledError("left"), new TimeoutError("late")]) {
    const fn = () => {
      throw reason;
    };
    const asked = { ...given, signal: AbortSignal.abort(reason), cancelled: () => true };
    assertThrows(() => traced({ task, fn }, parent)(1, asked));
  }
  const [left, late] = api.spans;
  assertEquals([left!.status, left!.exception, left!.isCancelled, left!.isEnded], [
    undefined,
    undefined,
    true,
    true,
  ]);
  assertEquals([late!.status, late!.isCancelled], [{ code: 2, message: "late" }, undefined]);
});

Deno.test("an attempt whose lane was lost has its span below that of its run", () => {
  using api = new FakeApi();
  const span = beginSpan("map", task, asyncContext())!;
  span.lost(4, 2, 125, "the lane exited with code 7");
  span.lost(5, 1, NaN, new Error("gone"));
  const [, known, unknown] = api.spans;
  const attributes = { "lanes.index": 4, "lanes.attempt": 2 };
  const message = "the lane exited with code 7";
  assertEquals(known, {
    name: "task my_job",
    attributes,
    startTime: performance.timeOrigin + 125,
    parent: span.context.spanId,
    exception: message,
    status: { code: 2, message },
    isEnded: true,
  });
  assertEquals([unknown!.startTime, unknown!.isEnded], [undefined, true]);
  for (let index = 0; index < 1000; index++) span.lost(index, 1, NaN, "more");
  assertEquals(api.spans.length, 129);
});
