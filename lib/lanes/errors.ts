/** What can befall a task besides throwing. */

/** A task was still running, or ended, after its deadline. */
export class TimeoutError extends Error {
  /** The class's name. */
  override name = "TimeoutError";
}

/** A task was stopped, or never started, because its run was cancelled. */
export class CancelledError extends Error {
  /** The class's name. */
  override name = "CancelledError";
}

/** A task's lane died while the task ran. `cause` holds what was thrown, if something was. */
export class CrashedError extends Error {
  /** The class's name. */
  override name = "CrashedError";
  /** Another try is allowed unless the task was quarantined for killing lanes. */
  retryable = true;
}

/** A task ignored that it was asked to stop, and goes on where nothing can stop it. */
export class AbandonedError extends Error {
  /** The class's name. */
  override name = "AbandonedError";
}

/** As many calls of `run` wait already as the executor's `maxQueued` allows. */
export class QueueFullError extends Error {
  /** The class's name. */
  override name = "QueueFullError";
}

/** A lane can't be started at all. */
export class LaneStartError extends Error {
  /** The class's name. */
  override name = "LaneStartError";
}

/** No lane is free for now: this executor has all that there are. */
export class NoneFreeError extends LaneStartError {}

/** A task's module can't be loaded or set up, or doesn't export the function that was named. */
export class TaskLoadError extends Error {
  /** The class's name. */
  override name = "TaskLoadError";
  /** A second try would find the same module; a `setup` that threw may succeed then. */
  retryable = false;
}

/**
 * What a task module's `setup` made couldn't be disposed when its lane was closed, or not in time. All
 * results were given by then; `close()` rejects with it once everything else has ended. `cause` holds
 * what was thrown, if something was.
 */
export class TeardownError extends Error {
  /** The class's name. */
  override name = "TeardownError";
}

/** An item or a result can't be sent to another lane. */
export class CloneError extends Error {
  /** The class's name. */
  override name = "CloneError";
  /** A second try would meet the same value, unless `auto()` makes it where nothing is sent. */
  retryable = false;
}

/** A task asked for a longer wait before its next try than `retries.maxMs` allows. */
export class RetryAfterError extends Error {
  /** The class's name. */
  override name = "RetryAfterError";
  /** The wait that it asked for, in milliseconds. `cause` holds what it threw. */
  retryAfterMs = 0;
  /** It would ask for the same again. */
  retryable = false;
}
