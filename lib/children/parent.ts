/**
 * What the entry files of measuring children share: they take their order from stdin, speak behind a
 * mark on stdout, and end when their parent wants or is gone. It imports no npm package.
 *
 * @module
 */

import { Inbox, MessageWriter } from "./child_lines.ts";

/** How long a child may take to end once nobody wants its result any more, in milliseconds. */
const LAST_MS = 2000;

/** The parent, as its child sees it. */
export interface Parent<Order> {
  /** What it told first. */
  readonly order: Order;
  /** Further lines that it tells. */
  readonly inbox: Inbox;
  /** Tells it something. */
  readonly writer: MessageWriter;
  /** Aborted when it wants the child to end, or is gone; soon after, the process ends. */
  readonly signal: AbortSignal;
}

/** How a child listens to its parent. */
export interface ParentOptions {
  /**
   * Whether SIGTERM aborts the signal, so that the child can stop its lanes; default true. Otherwise it
   * ends the process at once, as usual.
   */
  readonly handlesTerm?: boolean;
}

/** Sends what tasks print with `console` to stderr, and keeps stdout for messages. */
function forwardConsole(): void {
  for (const name of ["log", "info", "debug", "dir", "table"] as const) {
    console[name] = console.error;
  }
}

/**
 * Connects to the parent: reads its order, and from then on ends with it. What tasks print with `console` goes
 * to stderr, so that it isn't taken for a message.
 *
 * Stdin stays open while the result is wanted. When it ends the signal aborts, and 2 seconds later the
 * process ends whatever it does, unless it is in a busy loop. SIGINT and SIGHUP are ignored: the
 * terminal sends them to every process of the group, and only the parent decides what they mean.
 *
 * @throws {Error} If stdin ends before there was an order.
 */
export async function connectToParent<Order extends { readonly mark: string }>(
  { handlesTerm = true }: ParentOptions = {},
): Promise<Parent<Order>> {
  forwardConsole();
  const inbox = new Inbox(Deno.stdin.readable);
  const line = await inbox.next();
  if (line === undefined) throw new Error("Cannot begin: stdin ended before it said with what");
  const order: Order = JSON.parse(line);
  const ending = new AbortController();
  const end = () => {
    ending.abort();
    // Lanes that don't start, and tasks that don't stop, must not keep the process.
    setTimeout(() => Deno.exit(1), LAST_MS);
  };
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => {});
  if (handlesTerm && Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
  inbox.ended.then(end);
  return { order, inbox, writer: new MessageWriter(order.mark), signal: ending.signal };
}
