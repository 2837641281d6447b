/** Draws a run while it goes on. It asks for nothing but its own events. */
"use strict";
const at = (id) => document.getElementById(id);
const pulses = [];
const parts = new Map();
const MOST = 600;
const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
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
    path.setAttribute(
      "d",
      shown.map((pulse, n) => {
        const begins = n === 0 || shown[n - 1].part !== pulse.part;
        const x = 1000 * (pulse.atMs - from) / Math.max(1, to - from);
        return (begins ? "M" : "L") + x.toFixed(1) + "," + (98 - 95 * of(pulse) / most).toFixed(1) +
          (begins ? "h0" : "");
      }).join(""),
    );
    return path;
  });
  at(id).replaceChildren(...paths);
  const last = lines.map(([name, of]) =>
    (name ? name + " " : "") + (of(pulses.at(-1)) === null ? "–" : unit(of(pulses.at(-1))))
  );
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
  const left = total === null || perSecond === 0 || settled >= total
    ? ""
    : ", " + time(1000 * (total - settled) / perSecond) + " left";
  at("state").textContent = (part === undefined ? "" : part + ": ") + settled.toLocaleString("en") +
    (total === null ? "" : " of " + total.toLocaleString("en")) +
    " items, " + failed.toLocaleString("en") + " failed, " + number(perSecond) + "/s" + left;
  at("waits").textContent = pulse.waits ?? "";
  if (total !== null) at("share").value = total === 0 ? 1 : settled / total;
  draw("rate", [["", (pulse) => pulse.perSecond]], (value) => number(value) + "/s");
  draw("latency", [["median", (pulse) => pulse.latencyMs?.median ?? null], [
    "most",
    (pulse) => pulse.latencyMs?.most ?? null,
  ]], time);
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
  at("lanes-now").textContent = lanes.reduce((sum, count) => sum + count, 0) + " tasks on " +
    lanes.length +
    (lanes.length === 1 ? " lane, " : " lanes, ") +
    (slots === null ? "all items at once" : slots + (slots === 1 ? " slot each" : " slots each"));
  fill("reasons", reasons.map(({ reason, count }) => [count, reason]));
  if (part === undefined) return;
  parts.set(part, [
    part,
    settled.toLocaleString("en") + " items",
    failed.toLocaleString("en") + " failed",
    number(perSecond) + "/s",
  ]);
  fill("parts", [...parts.values()]);
}
const events = new EventSource("events");
events.addEventListener("pulse", ({ data }) => show(JSON.parse(data)));
// Whoever connects is told what was before, too.
events.addEventListener("open", () => {
  pulses.length = 0;
  at("ended").textContent = "";
});
events.addEventListener(
  "error",
  () => at("ended").textContent = "Nothing is heard from it any more.",
);
events.addEventListener("end", ({ data }) => {
  events.close();
  at("ended").textContent = JSON.parse(data);
});
