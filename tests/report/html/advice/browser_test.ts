import { assert, assertEquals, assertMatch } from "@std/assert";
import { reportPage } from "../../../../lib/report/html/advice/report_page.ts";
import type { ReportFile } from "../../../../lib/report/report_file.ts";
import { type Opened, whyNoChromium, withChromium } from "../chromium.ts";
import { ioResult } from "../fixture.ts";
import { HOSTILE_STRINGS } from "../hostile.ts";
import { adviceFileOf } from "../../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../../advice/advice_on.ts";
import { PROFILE } from "../../../advice/profile/fixture.ts";
import { resultOf as sweepOf } from "../../../scaling/measured.ts";
import { ratesOf } from "../../../scaling/rates.ts";

const ignore = whyNoChromium() !== undefined;

type Open = (width: number, colorScheme: "light" | "dark") => Promise<Opened>;

async function withPage(
  files: readonly ReportFile[],
  use: (open: Open) => Promise<void>,
): Promise<void> {
  const html = reportPage(files);
  await withChromium((open) => use((width, colorScheme) => open(html, width, colorScheme)));
}

const made = async (): Promise<ReportFile[]> => [
  ioResult(),
  adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted)),
  adviceFileOf({ ...await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted), profile: PROFILE }),
  await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 }),
  await ratesOf(),
];

Deno.test({
  name: "a page of everything opens without an error or a request, and never scrolls sideways",
  ignore,
  fn: async () =>
    await withPage(await made(), async (open) => {
      for (const width of [360, 768, 1280]) {
        for (const scheme of ["light", "dark"] as const) {
          const { page, errors, requests } = await open(width, scheme);
          assertEquals(errors, []);
          assertEquals(requests.length, 1);
          assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
          await page.close();
        }
      }
    }),
});

Deno.test({
  name: "every name in a flame graph lies within its bar",
  ignore,
  fn: async () =>
    await withPage(await made(), async (open) => {
      for (const width of [360, 1280]) {
        const { page } = await open(width, "dark");
        const chart = `#advice-2-profile .${width < 600 ? "narrow" : "wide"} svg`;
        const outside: string[] = await page.evaluate(
          `(() => {
            const boxes = (of) => [...document.querySelectorAll(of)].map((element) =>
              [element.textContent, element.getBoundingClientRect()]);
            const bars = boxes("${chart} .call rect");
            return boxes("${chart} .call-name text").filter(([, text]) =>
              !bars.some(([, bar]) => bar.left <= text.left && text.right <= bar.right &&
                bar.top <= text.top + 4 && text.bottom - 4 <= bar.bottom)).map(([name]) => name);
          })()`,
        );
        assertEquals(outside, []);
        await page.close();
      }
    }),
});

Deno.test({
  name: "no word of advice's charts is cut off by the window's edge or lies upon another",
  ignore,
  fn: async () =>
    await withPage(await made(), async (open) => {
      for (const width of [360, 1280]) {
        const { page } = await open(width, "light");
        const kind = width < 600 ? "narrow" : "wide";
        for (const figure of ["advice-split", "advice-gains", "advice-2-split", "advice-2-gains"]) {
          const boxes: {
            text: string;
            left: number;
            right: number;
            top: number;
            bottom: number;
          }[] = await page.evaluate(
            `[...document.querySelectorAll("#${figure} .${kind} svg text")].map((text) => {
                const { left, right, top, bottom } = text.getBoundingClientRect();
                return { text: text.textContent, left, right, top, bottom };
              })`,
          );
          assert(boxes.length > 5);
          for (const { text, left, right } of boxes) {
            assert(left >= 0 && right <= width, `${figure}: "${text}" from ${left} to ${right}`);
          }
          // Letters' boxes are higher than the letters.
          const close = 4;
          boxes.forEach((a, i) => {
            for (const b of boxes.slice(i + 1)) {
              const apart = a.right <= b.left || b.right <= a.left ||
                a.bottom - close <= b.top || b.bottom - close <= a.top;
              assert(apart, `${figure} at ${width}: "${a.text}" lies upon "${b.text}"`);
            }
          });
        }
        await page.close();
      }
    }),
});

Deno.test({
  name: "advice's charts can be reached and stepped through by keyboard",
  ignore,
  fn: async () =>
    await withPage(await made(), async (open) => {
      const { page, errors } = await open(1280, "dark");
      await page.locator("#advice-gains .chart.wide").focus();
      await page.keyboard.press("Home");
      const tip = page.locator("#tip");
      assertMatch(await tip.innerText(), /: [\d.]+× .*measured/);
      await page.keyboard.press("End");
      assertMatch(await tip.innerText(), /predicted\nfrom [\d.]+× to [\d.]+×/);
      await page.locator("#advice-split .chart.wide").focus();
      await page.keyboard.press("End");
      assertMatch(await tip.innerText(), /^waiting \d+%\n[\d.]+ ms of each task$/);
      assertEquals(errors, []);
    }),
});

Deno.test({
  name: "hostile advice and sweeps run nothing, load nothing, and keep to the window",
  ignore,
  async fn() {
    let next = 0;
    const files = (await made()).slice(1).map((file) =>
      JSON.parse(
        JSON.stringify(file),
        (key, value) =>
          typeof value === "string" && key !== "kind" && key !== "axis" && key !== "bound"
            ? HOSTILE_STRINGS[next++ % HOSTILE_STRINGS.length]
            : value,
      )
    );
    await withPage(files, async (open) => {
      const { page, errors, requests } = await open(360, "light");
      assertEquals(await page.evaluate("globalThis.pwned"), undefined);
      assertEquals(errors, []);
      assertEquals(requests.length, 1);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
    });
  },
});
