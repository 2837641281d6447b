/**
 * The options of `deno task sweep` as typed.
 *
 * @module
 */

/** The options as typed. */
export interface RawSweepOptions {
  /** `--slots` */
  readonly slots?: string;
  /** `--lanes` */
  readonly lanes?: string;
  /** `--refine` */
  readonly refine?: true;
  /** `--model` */
  readonly model?: string;
  /** `--rounds` */
  readonly rounds?: string;
  /** `--rate` */
  readonly rate?: string;
  /** `--duration` */
  readonly duration?: string;
  /** `--seed` */
  readonly seed?: string;
  /** `--items` */
  readonly items?: string;
  /** `--latency` */
  readonly latency?: string;
  /** `--timeout` */
  readonly timeout?: string;
  /** `--export` */
  readonly export?: string;
  /** `--json` */
  readonly json?: string;
  /** `--csv` */
  readonly csv?: string;
  /** `--markdown` */
  readonly markdown?: string;
  /** `--html` */
  readonly html?: string;
}
