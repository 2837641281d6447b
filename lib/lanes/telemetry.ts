/**
 * OpenTelemetry spans, if telemetry is on. Nothing is loaded for it: its provider, such as Deno with
 * `OTEL_DENO=true`, puts the API under a well-known symbol.
 */

import { enterAsyncContext } from "./async_context.ts";
import { attempt, isError, isThenable, wordsOf } from "./attempt.ts";
import { TimeoutError } from "./errors.ts";
import type { Task, TaskContext, TaskFunction } from "./task.ts";
import { clock } from "./timers.ts";

/** The identity of a span, which is sent to other lanes. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly traceFlags: number;
}

// The part of the API that is used.
interface ApiSpan {
  spanContext(): SpanContext;
  setAttribute(name: string, value: boolean): void;
  recordException(exception: string | Error): void;
  setStatus(status: { readonly code: number; readonly message?: string }): void;
  end(): void;
}
interface SpanOptions {
  readonly attributes?: Readonly<Record<string, number>>;
  /** Milliseconds since 1970; now unless given. */
  readonly startTime?: number;
}
interface Context {
  setValue(key: symbol, value: unknown): Context;
}
interface Tracer {
  startSpan(name: string, options: SpanOptions, context: Context): ApiSpan;
}
interface Api {
  readonly trace: { getTracer(name: string): Tracer };
  readonly context: { active(): Context; with<T>(context: Context, fn: () => T): T };
}

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
const TRACER = "lanes";
const ERROR = 2;

function api(): Api | undefined {
  const found = (globalThis as { [API]?: Partial<Api> })[API];
  return found?.trace === undefined || found.context === undefined ? undefined : found as Api;
}

/** A span's name: from the export, or from the module's file name if the export is unnamed or the default. */
function spanName(what: string, { module, export: name }: Task): string {
  const file = /([^/:]+?)(?:\.\w+)?:?$/.exec(module.startsWith("data:") ? "" : module)?.[1];
  return `${what} ${name === "default" || name === "" ? file ?? "default" : name}`;
}

export interface Span {
  readonly context: SpanContext;
  /** Records the failure of an item that may have no span of its own, because no lane ever had it. */
  note(error: unknown): void;
  /** Makes the span of an attempt whose lane was lost; `startedAtMs` is NaN if its start isn't known. */
  lost(index: number, attempt: number, startedAtMs: number, error: unknown): void;
  end(failure?: { readonly error: unknown }): void;
}

/** How many failed and how many lost items are recorded; span processors keep no more events of one span. */
const MOST_NOTES = 128;

function note(span: ApiSpan, error: unknown): void {
  // This reads properties of the error, which may throw.
  attempt(() => span.recordException(isError(error) ? error : wordsOf(error)));
}

function end(span: ApiSpan, failure?: { readonly error: unknown }): void {
  if (failure !== undefined) {
    note(span, failure.error);
    span.setStatus({ code: ERROR, message: wordsOf(failure.error) });
  }
  span.end();
}

/** Begins a span in the caller's context for a run or call of a task; undefined without telemetry. */
export function beginSpan(what: string, task: Task, caller: unknown): Span | undefined {
  const { trace, context } = api() ?? {};
  if (trace === undefined) return undefined;
  const before = enterAsyncContext(caller);
  const span = trace.getTracer(TRACER).startSpan(spanName(what, task), {}, context!.active());
  enterAsyncContext(before);
  const own = span.spanContext();
  let notes = 0;
  let losses = 0;
  return {
    context: own,
    note: (error) => {
      if (notes++ < MOST_NOTES) note(span, error);
    },
    lost: (index, attempt, startedAtMs, error) => {
      if (losses++ >= MOST_NOTES) return;
      const startTime = clock.timeOriginMs + startedAtMs;
      const known = Number.isNaN(startTime) ? {} : { startTime };
      const { begin } = attemptsOf(task, own, { trace, context: context! });
      end(begin({ index, attempt }, known), { error });
    },
    end: (failure) => end(span, failure),
  };
}

/** Begins spans of a task's attempts as children of the run's or call's span. */
function attemptsOf(task: Task, parent: SpanContext, { trace, context }: Api) {
  const tracer = trace.getTracer(TRACER);
  const name = spanName("task", task);
  const above = context.active().setValue(SPAN, { spanContext: () => parent });
  const begin = (
    { index, attempt }: Pick<TaskContext, "index" | "attempt">,
    more?: { readonly startTime?: number },
  ) => {
    const attributes = { "lanes.index": index, "lanes.attempt": attempt };
    return tracer.startSpan(name, { attributes, ...more }, above);
  };
  return { begin, above };
}

/**
 * Wraps a task so that each attempt is a span below `parent`, and so that the task's own spans are below the
 * attempt's. Returns the task itself if there is no parent.
 */
export function traced(
  { task, fn }: { readonly task: Task; readonly fn: TaskFunction },
  parent: SpanContext | undefined,
): TaskFunction {
  const found = parent && api();
  if (found === undefined) return fn;
  const { context } = found;
  const { begin, above } = attemptsOf(task, parent!, found);
  return (item, given) => {
    const span = begin(given);
    const fail = (error: unknown): never => {
      // A task that stops because it was cancelled has not failed.
      const isCancelled = given.cancelled() && !(given.signal.reason instanceof TimeoutError);
      if (isCancelled) span.setAttribute("lanes.cancelled", true);
      end(span, isCancelled ? undefined : { error });
      throw error;
    };
    try {
      const value = context.with(above.setValue(SPAN, span), () => fn(item, given));
      if (isThenable(value)) return Promise.resolve(value).then((of) => (end(span), of), fail);
      end(span);
      return value;
    } catch (error) {
      return fail(error);
    }
  };
}

/** A span's context as a row of numbers, for message heads. */
export function spanNumbers({ traceId, spanId, traceFlags }: SpanContext): number[] {
  const words = `${traceId}${spanId}`.match(/.{8}/g) ?? [];
  return [...words.map((word) => parseInt(word, 16)), traceFlags];
}

export function readSpan(numbers: ArrayLike<number>, from: number): SpanContext | undefined {
  if (numbers.length <= from) return undefined;
  const wordAt = (at: number) => numbers[from + at]!.toString(16).padStart(8, "0");
  const hex = Array.from({ length: 6 }, (_, at) => wordAt(at)).join("");
  return { traceId: hex.slice(0, 32), spanId: hex.slice(32), traceFlags: numbers[from + 6]! };
}
