/** Serves the page of a run that goes on, to whoever has its address and to nobody else. */

import type { Pulse } from "../../progress/pulse.ts";
import { escape } from "@std/html/entities";

/** A page that is opened later shows so many looks of before. */
const KEPT = 600;
/** Whoever hasn't read the last of it by then, in milliseconds, doesn't keep the program. */
const ENDING_MS = 1000;

const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The server of one run. */
export class LiveServer implements AsyncDisposable {
  /** Where the page is: a random token is part of it. */
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #path: string;
  readonly #title: string;
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #kept: Pulse[] = [];

  /** Begins to serve, on this machine alone. */
  constructor(title: string) {
    this.#title = title;
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
    return new Response(livePage(this.#title, nonce), {
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

  /** Shows how the run stands. */
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

  /** Says how the run ended, and stops serving. */
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

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 0; }
svg { width: 100%; height: 7rem; display: block; }
path { fill: none; stroke: #0b7a68; stroke-width: 2; stroke-linecap: round; vector-effect: non-scaling-stroke; }
path.most { stroke: #bb4d00; } path.failed { stroke: #b3261e; }
progress { width: 100%; }
#lanes { display: grid; gap: 2px; }
#lanes div { height: .8rem; background: #8883; } #lanes i { display: block; height: 100%; background: #0667b3; }
td { padding-right: 1.5rem; }
`;

const SCRIPT = `
const at = (id) => document.getElementById(id);
const pulses = [];
const parts = new Map();
const MOST = 600;
const number = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
const time = (ms) => ms < 1000 ? number(ms) + " ms" : number(ms / 1000) + " s";
function draw(id, lines, unit) {
  const all = lines.flatMap(([, of]) => pulses.map(of)).filter((value) => value !== null);
  const most = Math.max(1e-9, ...all);
  const [from, to] = [pulses[0].atMs, pulses.at(-1).atMs];
  const paths = lines.map(([name, of]) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", name);
    const shown = pulses.filter((pulse) => of(pulse) !== null);
    // Each part has a line of its own; one of a single look is a dot.
    path.setAttribute("d", shown.map((pulse, n) => {
      const begins = n === 0 || shown[n - 1].part !== pulse.part;
      const x = 1000 * (pulse.atMs - from) / Math.max(1, to - from);
      return (begins ? "M" : "L") + x.toFixed(1) + "," + (98 - 95 * of(pulse) / most).toFixed(1) + (begins ? "h0" : "");
    }).join(""));
    return path;
  });
  at(id).replaceChildren(...paths);
  const last = lines.map(([name, of]) => (name ? name + " " : "") + (of(pulses.at(-1)) === null ? "–" : unit(of(pulses.at(-1)))));
  at(id + "-now").textContent = last.join(", ") + "; at most " + unit(most);
}
function fill(id, rows) {
  at(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}
function show(pulse) {
  pulses.push(pulse);
  if (pulses.length > MOST) pulses.shift();
  const { part, settled, failed, total, lanes, slots, perSecond, reasons } = pulse;
  const left = total === null || perSecond === 0 || settled >= total ? "" : ", " + time(1000 * (total - settled) / perSecond) + " left";
  at("state").textContent = (part === undefined ? "" : part + ": ") + settled.toLocaleString("en") + (total === null ? "" : " of " + total.toLocaleString("en")) +
    " items, " + failed.toLocaleString("en") + " failed, " + number(perSecond) + "/s" + left;
  at("waits").textContent = pulse.waits ?? "";
  if (total !== null) at("share").value = total === 0 ? 1 : settled / total;
  draw("rate", [["", (pulse) => pulse.perSecond]], (value) => number(value) + "/s");
  draw("latency", [["median", (pulse) => pulse.latencyMs?.median ?? null], ["most", (pulse) => pulse.latencyMs?.most ?? null]], time);
  draw("failed", [["failed", (pulse) => pulse.failed]], (value) => String(Math.round(value)));
  const room = slots ?? Math.max(1, ...lanes);
  at("lanes").replaceChildren(...lanes.map((count, lane) => {
    const bar = document.createElement("div");
    bar.title = "lane " + lane + ": " + count + " running";
    const inner = document.createElement("i");
    inner.style.width = 100 * count / room + "%";
    bar.append(inner);
    return bar;
  }));
  at("lanes-now").textContent = lanes.reduce((sum, count) => sum + count, 0) + " tasks on " + lanes.length +
    (lanes.length === 1 ? " lane, " : " lanes, ") + (slots === null ? "all items at once" : slots + (slots === 1 ? " slot each" : " slots each"));
  fill("reasons", reasons.map(({ reason, count }) => [count, reason]));
  if (part === undefined) return;
  parts.set(part, [part, settled.toLocaleString("en") + " items", failed.toLocaleString("en") + " failed", number(perSecond) + "/s"]);
  fill("parts", [...parts.values()]);
}
const events = new EventSource("events");
events.addEventListener("pulse", ({ data }) => show(JSON.parse(data)));
events.addEventListener("end", ({ data }) => { events.close(); at("ended").textContent = JSON.parse(data); });
`;

/** The page; its style and its script are the ones with the nonce. */
export function livePage(title: string, nonce: string): string {
  const chart = (id: string, name: string) =>
    `<h2>${name}: <span id="${id}-now">–</span></h2>` +
    `<svg id="${id}" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="${name}"></svg>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta name="viewport" content="width=device-width"><style nonce="${nonce}">${STYLE}</style></head>
<body><main><h1>${escape(title)}</h1><p id="state" role="status">waiting for the first items</p>
<p id="waits"></p>
<progress id="share" aria-label="Items that ended"></progress><p id="ended" role="status"></p>
${chart("rate", "Rate")}
${chart("latency", "Latency")}
${chart("failed", "Failures")}
<table><tbody id="reasons"></tbody></table>
<h2>Lanes: <span id="lanes-now">–</span></h2><div id="lanes"></div>
<table><tbody id="parts"></tbody></table></main>
<script nonce="${nonce}">${SCRIPT}</script></body></html>
`;
}
