/** Serves the live page of a run under way, only to requests with its secret address. */

import { within } from "../../lanes/timers.ts";
import type { Pulse } from "../../progress/progress.ts";
import { filled, Html, markup } from "../html/markup.ts";
import page from "./live.html" with { type: "text" };
import style from "./live.css" with { type: "text" };
import script from "./live.js" with { type: "text" };

/** How many earlier pulses a page that is opened later shows. */
const KEPT = 600;
/** How long the program waits for viewers to read the last event, in milliseconds. */
const ENDING_MS = 1000;

const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export class LiveServer implements AsyncDisposable {
  /** The page's address, which contains a random token. */
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #path: string;
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #kept: Pulse[] = [];

  /** Starts to serve, on 127.0.0.1 only. */
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
    // A request under another host name that resolves to this address is refused.
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
      // A viewer that doesn't read gets no more events once about KEPT of them are queued.
      if ((viewer.desiredSize ?? 0) > -KEPT) viewer.enqueue(event);
    }
  }

  async end(how: string): Promise<void> {
    this.#tell(eventOf("end", how));
    for (const viewer of this.#viewers) viewer.close();
    this.#viewers.clear();
    await within(ENDING_MS, this.#server.shutdown(), () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("The run has ended.");
  }
}

function eventOf(name: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

const CHARTS = { rate: "Rate", latency: "Latency", failed: "Failures" };

/** The page's HTML, whose style and script have the nonce. */
export function livePage(title: string, nonce: string): string {
  return filled(page, {
    title,
    charts: Object.entries(CHARTS).map(([id, name]) =>
      markup`
        <h2>${name}: <span id="${id}-now">–</span></h2>
        <svg id="${id}" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="${name}"></svg>
      `
    ),
    style: markup`<style nonce="${nonce}">${new Html(style)}</style>`,
    script: markup`<script nonce="${nonce}">${new Html(script)}</script>`,
  }).text;
}
