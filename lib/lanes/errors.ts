/** The errors with which items, calls and lanes fail, besides those that tasks throw. */

/** A task was still running at its deadline, or ended after it. */
export class TimeoutError extends Error {
  /** The class's name. */
  override name = "TimeoutError";
}

/** A task was stopped, or never started, because its run was cancelled. */
export class CancelledError extends Error {
  /** The class's name. */
  override name = "CancelledError";
}

/** A task's lane died while the task ran. `cause` holds what was thrown, if anything. */
export class CrashedError extends Error {
  /** The class's name. */
  override name = "CrashedError";
  /** Another attempt is allowed, unless the task was quarantined because it ended several lanes. */
  retryable = true;
}

/** A task didn't stop when asked to, and runs on because nothing can end it. */
export class AbandonedError extends Error {
  /** The class's name. */
  override name = "AbandonedError";
}

/** The executor's `maxQueued` calls of `run` already wait. */
export class QueueFullError extends Error {
  /** The class's name. */
  override name = "QueueFullError";
}

/** A lane can't be started. */
export class LaneStartError extends Error {
  /** The class's name. */
  override name = "LaneStartError";
}

/** No lane is free at the moment: this executor has all lanes that exist. */
export class NoneFreeError extends LaneStartError {}

/** A task's module can't be loaded or set up, or doesn't export the named function. */
export class TaskLoadError extends Error {
  /** The class's name. */
  override name = "TaskLoadError";
  /** Another attempt would find the same module; only a `setup` that threw may succeed then. */
  retryable = false;
}

/**
 * A resource that a task module's `setup` made couldn't be disposed when its lane was closed, or not in time.
 * All results had been given by then; `close()` rejects with this error once everything else has ended. `cause`
 * holds what was thrown, if anything.
 */
export class TeardownError extends Error {
  /** The class's name. */
  override name = "TeardownError";
}

/** An item or a result can't be sent to another lane. */
export class CloneError extends Error {
  /** The class's name. */
  override name = "CloneError";
  /** Another attempt would meet the same value, unless `auto()` runs it where nothing is sent. */
  retryable = false;
}

/** A task asked for a longer wait before its next attempt than `retries.maxMs` allows. */
export class RetryAfterError extends Error {
  /** The class's name. */
  override name = "RetryAfterError";
  /** The wait that the task asked for, in milliseconds. `cause` holds what it threw. */
  retryAfterMs = 0;
  /** Another attempt would ask for the same wait. */
  retryable = false;
}
