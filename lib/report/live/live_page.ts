/** The page that draws a run while it goes on. It asks for nothing but its own events. */

import { escape } from "@std/html/entities";

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
