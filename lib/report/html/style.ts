/**
 * How the page looks: its colours, for light and for dark, which model has which, and its style sheet
 * for a telephone, a desk, and paper.
 *
 * Cool colours are concurrency on this event loop, warm ones are parallelism on lanes of their own,
 * the plain `for` loop is neutral. The five differ in lightness as well as hue, after Okabe and Ito's
 * "Color Universal Design" palette (2008), so that they stay apart for colour-blind readers; every
 * one reaches a contrast of 4.5 to 1 on the page as text (WCAG 2.2, 1.4.3), which a test checks.
 */

import { isModel, type Model, MODEL_TABLE, MODELS } from "../../models.ts";

/** The page's own colours, for light and for dark. */
const COLOURS = {
  paper: ["#fcfcf9", "#15171a"],
  panel: ["#f3f2ec", "#1e2125"],
  ink: ["#1c1e21", "#eceae4"],
  soft: ["#565b62", "#a9adb3"],
  line: ["#d9d7cd", "#3a3e44"],
  link: ["#0a58a8", "#8cc4ff"],
  bad: ["#b3261e", "#ff8a80"],
  warn: ["#fbf0d4", "#3a3017"],
  // Of a model that isn't known here.
  other: ["#6a5a12", "#d6c15b"],
} as const;

type Scheme = Readonly<Record<keyof typeof COLOURS | Model, string>>;

function schemeOf(scheme: "light" | "dark"): Scheme {
  const own = Object.entries(COLOURS).map(([name, [light, dark]]) =>
    [name, scheme === "light" ? light : dark] as const
  );
  const models = MODELS.map((model) => [model, MODEL_TABLE[model].colour[scheme]] as const);
  return Object.fromEntries([...own, ...models]) as Scheme;
}

export const SCHEMES = { light: schemeOf("light"), dark: schemeOf("dark") } as const;

/** A model's colour, the same in every chart; unknown models share one. */
export function modelColour(model: string): string {
  return `var(--${isModel(model) ? model : "other"})`;
}

function schemeCss(scheme: Scheme): string {
  return Object.entries(scheme).map(([name, colour]) => `--${name}:${colour};`).join("");
}

export function pageStyle(): string {
  // Dark is for screens alone: paper is white whatever the reader prefers.
  return `
:root{color-scheme:light dark;${schemeCss(SCHEMES.light)}}
@media screen and (prefers-color-scheme: dark){:root{${schemeCss(SCHEMES.dark)}}}
${TEXT}${PARTS}${CHARTS}${TABLES}${NARROW}${PRINT}`;
}

const TEXT = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0 auto;max-width:55rem;padding:2.75rem 1.25rem 5rem;background:var(--paper);
color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
:lang(ko){word-break:keep-all}
h1,h2,.verdict{font-family:Charter,"Bitstream Charter","Sitka Text",Cambria,Georgia,"Liberation Serif",serif}
h1{font-size:clamp(1.9rem,1.3rem + 2.6vw,3.1rem);line-height:1.1;letter-spacing:-.015em;
margin:.2rem 0 .9rem;text-wrap:balance;font-weight:700}
h2{font-size:clamp(1.35rem,1.15rem + .9vw,1.8rem);line-height:1.2;margin:0 0 .8rem;text-wrap:balance}
h3{font-size:1.06rem;line-height:1.3;margin:0 0 .25rem}
p{margin:0 0 .8rem;max-width:42rem}
a{color:var(--link);text-underline-offset:.15em}
pre{margin:0 0 .8rem;padding:.8rem 1rem;overflow-x:auto;background:var(--panel);line-height:1.45}
pre code{font-size:.82rem;overflow-wrap:normal}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
:focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:2px}
`;

const PARTS = `
.kicker{font-size:.78rem;font-weight:650;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);margin:0}
.where{color:var(--soft);font-size:.875rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:0;padding:0;font-size:.9rem}
nav a{display:inline-block;padding:.25rem 0}
.part{margin-top:2.2rem;padding-top:1.6rem;border-top:3px solid var(--ink)}
.verdict{font-size:1.22rem;line-height:1.5}
.headline{font-size:1.06rem;font-weight:650}
.verdicts{list-style:none;margin:0 0 1.1rem;padding:0;font-size:1.06rem}
.verdicts li{padding:.5rem 0;border-top:1px solid var(--line)}
.verdicts a{display:block;font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:0 1.2rem;margin:1.4rem 0 0}
.tiles div{border-top:1px solid var(--line);padding:.6rem 0 .8rem;display:flex;flex-direction:column}
.tiles dt{order:1;font-size:.86rem;font-weight:600}
.tiles dd{margin:0;display:contents}
.tiles b{font-size:1.65rem;line-height:1.15;letter-spacing:-.02em;font-weight:650}
.tiles span{order:2;font-size:.8rem;color:var(--soft)}
.notices,.partial{background:var(--warn);padding:.7rem 1rem;border-left:4px solid var(--workers);max-width:none}
.notices{list-style:none;margin:1.2rem 0 0;font-size:.94rem}
.notices li+li{margin-top:.35rem}
.terms+h3,#method *+h3{margin-top:1.8rem}
.terms{margin:0;font-size:.94rem}
.terms div{display:grid;grid-template-columns:10rem 1fr;gap:1rem;padding:.4rem 0;border-top:1px solid var(--line)}
.terms dt{color:var(--soft)}
.terms dd{margin:0;min-width:0}
#method ul{padding-left:1.1rem;max-width:42rem;font-size:.94rem}
#method li{margin-bottom:.5rem}
`;

const CHARTS = `
figure{margin:2.6rem 0 0}
.part>section{margin-top:2.6rem}
.lead,.note{color:var(--soft);font-size:.92rem;line-height:1.45}
.lead b{color:var(--ink)}
.note{font-size:.82rem;margin:.4rem 0 0}
.chart{margin:.6rem 0 0;touch-action:pan-y}
.narrow{display:none}
.plot{display:block;width:100%;height:auto;overflow:visible;fill:currentColor;
font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
.plot text{white-space:pre;paint-order:stroke;stroke-linejoin:round;pointer-events:none}
.plot .strong{font-weight:650}
.plot .ticks{color:var(--soft);fill:var(--soft)}
.plot .on{stroke:var(--ink);stroke-width:1.5px;fill-opacity:1}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 1.5rem}
.key{white-space:nowrap}
.key::before{content:"";display:inline-block;width:.95em;height:.72em;margin-right:.3em;background:var(--concurrent)}
.key.flight::before{opacity:.38}
.key.queue::before{background:var(--soft);opacity:.3}
.key.bad::before{background:var(--bad)}
.key.start::before{background:var(--ink)}
#tip{position:fixed;left:0;top:0;z-index:9;max-width:19rem;padding:.4rem .6rem;background:var(--ink);
color:var(--paper);font-size:.8rem;line-height:1.4;white-space:pre-line;pointer-events:none;border-radius:3px}
`;

const TABLES = `
details{margin:.5rem 0 0;font-size:.86rem}
summary{cursor:pointer;color:var(--link);display:inline-block;padding:.2rem 0}
.scroll{overflow-x:auto;margin:.3rem 0 0;background:
linear-gradient(90deg,var(--paper) 30%,transparent) 0 0/3rem 100% no-repeat local,
linear-gradient(270deg,var(--paper) 30%,transparent) 100% 0/3rem 100% no-repeat local,
linear-gradient(90deg,var(--line),transparent) 0 0/.8rem 100% no-repeat,
linear-gradient(270deg,var(--line),transparent) 100% 0/.8rem 100% no-repeat}
details .scroll{max-height:26rem;overflow-y:auto}
table{border-collapse:collapse;width:100%;font-size:.82rem;overflow-wrap:normal}
caption{text-align:left;color:var(--soft);padding:0 0 .4rem;font-size:.84rem}
th,td{padding:.34rem .7rem .34rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:600;color:var(--soft);border-bottom-color:var(--soft);vertical-align:bottom}
tbody th{font-weight:600;white-space:nowrap;max-width:18rem;overflow:hidden;text-overflow:ellipsis}
.n{text-align:right}
td.n{white-space:nowrap}
`;

const NARROW = `
@media (max-width:600px){
body{padding:1.5rem 1rem 4rem}
.wide{display:none}
.narrow{display:block}
.narrow .plot{max-width:440px}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.pair{grid-template-columns:minmax(0,1fr)}
.verdict{font-size:1.1rem}
.tiles{grid-template-columns:1fr 1fr}
.terms div{grid-template-columns:minmax(0,1fr);gap:0}
}
`;

const PRINT = `
@media print{
@page{margin:14mm}
body{padding:0;max-width:none;font-size:10pt}
.wide{display:block!important}
.narrow,nav,details,#tip{display:none!important}
figure,tr,.tiles{break-inside:avoid}
h2,h3,.lead{break-after:avoid}
.pair{grid-template-columns:1fr 1fr}
.scroll,pre{overflow:visible}
pre{white-space:pre-wrap}
table{font-size:7.5pt}
td.n,tbody th{white-space:normal;overflow-wrap:anywhere}
th,td{padding-right:.5rem}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
