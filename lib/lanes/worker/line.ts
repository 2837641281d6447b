/**
 * The way between a thread and its parent: a port for all that is large or has to be cloned, and a
 * mailbox each way for the rest. Both are in order, and numbers say what comes next.
 */

import { Mailbox, type Message } from "./mailbox.ts";

type Posted = readonly [number: number, ...message: Message];

/** After this long other things have their turn in the event loop. */
const TURN_MS = 1;

// Before a task's module can change it.
const now = performance.now.bind(performance);
const { reportError } = globalThis;

/** What a thread is given to make its end of the line. */
export type FarEnd = readonly [
  port: MessagePort,
  inbox: SharedArrayBuffer,
  outbox: SharedArrayBuffer,
];

/** One end. */
export class Line {
  readonly #port: MessagePort;
  readonly #post: (message: Posted, moves: ArrayBuffer[]) => void;
  readonly #inbox: Mailbox;
  readonly #outbox: Mailbox;
  #receive: (...message: Message) => void = () => {};
  /** What was posted and waits for what was sent before. */
  readonly #posted: Posted[] = [];
  #lastSent = 0;
  #lastReceived = 0;
  #isReceiving = false;
  #sleeps = false;
  #isClosed = false;

  constructor([port, inbox, outbox]: FarEnd) {
    this.#port = port;
    this.#post = port.postMessage.bind(port);
    this.#inbox = new Mailbox(inbox);
    this.#outbox = new Mailbox(outbox);
  }

  /** Receives what has been sent, and what will be. */
  start(receive: (...message: Message) => void): void {
    this.#receive = receive;
    this.#port.onmessage = ({ data }: MessageEvent<Posted>) => {
      this.#posted.push(data);
      this.#receiveNext();
    };
    this.#receiveNext();
  }

  /** @throws If the payload can't be cloned. */
  send(
    kind: number,
    head: ArrayLike<number>,
    payload?: unknown,
    moves: readonly ArrayBuffer[] = [],
  ): void {
    const number = this.#lastSent + 1;
    if (moves.length > 0 || !this.#outbox.write(number, kind, head, payload)) {
      // Numbers in one buffer were put there for this message alone.
      const all = payload instanceof Float64Array ? [payload.buffer] : [...moves];
      this.#post([number, kind, head, payload], all as ArrayBuffer[]);
    }
    this.#lastSent = number;
  }

  /** Receives what has been sent until now, as far as it is there. */
  flush(): void {
    this.#receiveNext(Infinity);
  }

  #receiveNext(turnMs = TURN_MS): void {
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    const startMs = now();
    while (!this.#isClosed) {
      const message = this.#take() ?? (this.#sleep() ? undefined : this.#take());
      if (message === undefined) break;
      this.#lastReceived++;
      try {
        this.#receive(...message);
      } catch (error) {
        reportError(error);
      }
      if (now() - startMs > turnMs) {
        void this.#inbox.turn().then(() => this.#receiveNext());
        break;
      }
    }
    this.#isReceiving = false;
  }

  #take(): Message | undefined {
    const number = this.#lastReceived + 1;
    if (this.#posted[0]?.[0] !== number) return this.#inbox.read(number);
    const [, ...message] = this.#posted.shift()!;
    return message;
  }

  /**
   * Goes on as soon as something is written; false if something is there already. If that comes after
   * what is being posted, it has its turn with that.
   */
  #sleep(): boolean {
    if (this.#sleeps) return true;
    const sleep = this.#inbox.sleep();
    if (sleep === undefined) return false;
    this.#sleeps = true;
    void sleep.then(() => {
      this.#sleeps = false;
      this.#receiveNext();
    });
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#port.close();
    this.#inbox.wake();
  }
}
