/** Serves the page of a run that goes on, to whoever has its address and to nobody else. */

import type { Pulse } from "../../progress/pulse.ts";
import { filled, Html, markup } from "../html/markup.ts";
import page from "./live.html" with { type: "text" };
import style from "./live.css" with { type: "text" };
import script from "./live.js" with { type: "text" };

/** A page that is opened later shows so many looks of before. */
const KEPT = 600;
/** Whoever hasn't read the last of it by then, in milliseconds, doesn't keep the program. */
const ENDING_MS = 1000;

const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export class LiveServer implements AsyncDisposable {
  /** Where the page is: a random token is part of it. */
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #path: string;
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #kept: Pulse[] = [];

  /** Begins to serve, on this machine alone. */
  constructor(private readonly title: string) {
    const token = crypto.getRandomValues(new Uint8Array(16)).toHex();
    this.#path = `/${token}/`;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}${this.#path}`;
  }

  #answer(request: Request): Response {
    const { pathname, origin } = new URL(request.url);
    // A foreign name that leads here is none of ours.
    const isOurs = origin === new URL(this.url).origin && request.method === "GET";
    if (isOurs && pathname === this.#path) return this.#page();
    if (isOurs && pathname === `${this.#path}events`) return this.#events();
    return new Response(null, { status: 404, headers: HEADERS });
  }

  #page(): Response {
    const nonce = crypto.randomUUID();
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
      `connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    return new Response(livePage(this.title, nonce), {
      headers: {
        ...HEADERS,
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
      },
    });
  }

  #events(): Response {
    let viewer: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        viewer = controller;
        for (const pulse of this.#kept) controller.enqueue(eventOf("pulse", pulse));
        this.#viewers.add(controller);
      },
      cancel: () => void this.#viewers.delete(viewer),
    });
    return new Response(body, { headers: { ...HEADERS, "content-type": "text/event-stream" } });
  }

  pulse(pulse: Pulse): void {
    this.#kept.push(pulse);
    if (this.#kept.length > KEPT) this.#kept.shift();
    this.#tell(eventOf("pulse", pulse));
  }

  #tell(event: Uint8Array): void {
    for (const viewer of this.#viewers) {
      // A viewer that doesn't read is told no more than it takes.
      if ((viewer.desiredSize ?? 0) > -KEPT) viewer.enqueue(event);
    }
  }

  async end(how: string): Promise<void> {
    this.#tell(eventOf("end", how));
    for (const viewer of this.#viewers) viewer.close();
    this.#viewers.clear();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ENDING_MS);
    await Promise.race([this.#server.shutdown(), late.promise]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("The run has ended.");
  }
}

function eventOf(name: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** The page; its style and its script are the ones with the nonce. */
export function livePage(title: string, nonce: string): string {
  return filled(page, {
    title,
    style: markup`<style nonce="${nonce}">${new Html(style)}</style>`,
    script: markup`<script nonce="${nonce}">${new Html(script)}</script>`,
  }).text;
}
