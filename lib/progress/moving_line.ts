/**
 * One line on a terminal that moves: a bar, and what is being done.
 *
 * @module
 */

import cliProgress, { type SingleBar } from "cli-progress";
import { fit } from "../text/plain.ts";

const BAR_COLUMNS = 20;

/** Standard error as the bar writes to it; Node's own stream ends the program once the terminal is gone. */
function terminal(columns: number): NodeJS.WritableStream {
  const encoder = new TextEncoder();
  const write = (text: string) => {
    try {
      Deno.stderr.writeSync(encoder.encode(text));
    } catch {
      // What was measured matters more than the line.
    }
    return true;
  };
  return { isTTY: true, columns, write } as unknown as NodeJS.WritableStream;
}

/** A line that moves on standard error; `end()` it, or the terminal keeps a hidden cursor. */
export class MovingLine {
  readonly #bar: SingleBar;
  readonly #columns: number;

  /** Draws the line. */
  constructor(columns: number, text: string) {
    this.#columns = columns - BAR_COLUMNS - 3;
    this.#bar = new cliProgress.SingleBar({
      stream: terminal(columns),
      format: "{bar} {line}",
      barsize: BAR_COLUMNS,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
      // Ctrl-C is the script's: it keeps what was measured, and calls end().
      gracefulExit: false,
      fps: 10,
    });
    this.#bar.start(1, 0, { line: fit(text, this.#columns) });
  }

  /** Draws it anew; `share` is how much is done, 0 to 1. */
  show(share: number, text: string): void {
    this.#bar.update(share, { line: fit(text, this.#columns) });
  }

  /** Takes it away. */
  end(): void {
    this.#bar.stop();
  }
}
