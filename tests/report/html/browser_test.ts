import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { fileFormats, kindNameOf, type ReportFile, reportPage } from "../../../lib/report/kinds.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { type Opened, whyNoChromium, withChromium } from "./chromium.ts";
import { cpuResult, ioResult, resultOf, simulate } from "./fixture.ts";
import { HOSTILE_STRINGS, readable } from "./hostile.ts";
import { resultOf as sweepOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";

const why = whyNoChromium();
if (why !== undefined) console.log(`The page is not tested in a browser: ${why}`);

/** Opens the page of these files, in place of the one before. */
type Open = (
  files: ReportFile | readonly ReportFile[],
  width?: number,
  colorScheme?: "light" | "dark",
) => Promise<Opened>;

const looks: (readonly [name: string, look: (open: Open) => Promise<void>])[] = [];

/** A test of pages in one shared browser, because starting a browser takes as long as a test. */
function browserTest(...look: typeof looks[number]): void {
  looks.push(look);
}

/** The edges of every element that a selector finds, in pixels of the window. */
function boxes(page: Page, selector: string): Promise<{ left: number; right: number }[]> {
  return page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => {
      const { left, right } = element.getBoundingClientRect();
      return { left, right };
    })`,
  );
}

const TIMELINE = "#c0-timeline .chart.wide";

/** Widths with one scheme each: the width changes no colours, and the scheme no positions. */
const VIEWS = [[360, "light"], [768, "dark"], [1280, "light"]] as const;

browserTest(
  "the page opens without an error or a request, and never scrolls sideways",
  async (open) => {
    for (const [width, scheme] of VIEWS) {
      const { page, errors, requests } = await open(cpuResult(), width, scheme);
      assertEquals(errors, []);
      assertEquals(requests.length, 1);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
      const paper = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      assertEquals(paper, scheme === "light" ? "rgb(252, 252, 249)" : "rgb(21, 23, 26)");
      const shown = width < 600 ? "narrow" : "wide";
      for (const kind of ["narrow", "wide"]) {
        const visible = await page.locator(`.chart.${kind}`).first().isVisible();
        assertEquals(visible, kind === shown);
      }
      const letters: number[] = await page.evaluate(
        `[...document.querySelectorAll(".chart.${shown} svg")].map((svg) =>
          12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)`,
      );
      assert(letters.every((pixels) => pixels >= 10), `letters of ${Math.min(...letters)} px`);
    }
  },
);

browserTest("the timeline's bars stand where the data says", async (open) => {
  const result = cpuResult();
  const { page } = await open(result);
  const ticks = await boxes(page, `${TIMELINE} .ticks line`);
  const words = await page.locator(`${TIMELINE} .ticks text`)
    .allTextContents();
  const centre = ({ left, right }: { left: number; right: number }) => (left + right) / 2;
  const zeroAt = centre(ticks[0]!);
  assertEquals(words[0], "0");
  assertMatch(words.at(-1)!, /^\d+ ms$/);
  const pixelsAMs = (centre(ticks.at(-1)!) - zeroAt) / parseFloat(words.at(-1)!);

  const bars = await boxes(page, `${TIMELINE} .flight rect`);
  const expected = result.comparisons[0]!.models.flatMap(({ timeline }) =>
    timeline!.index.map((_, at) => ({
      left: zeroAt + timeline!.startedMs[at]! * pixelsAMs,
      right: zeroAt + timeline!.endedMs[at]! * pixelsAMs,
    })).sort((a, b) => a.left - b.left)
  );
  assertEquals(bars.length, expected.length);
  const order = (some: { left: number; right: number }[]) =>
    some.toSorted((a, b) => a.left - b.left || a.right - b.right);
  order(bars).forEach((bar, i) => {
    assertAlmostEquals(bar.left, order(expected)[i]!.left, 1);
  });
  const sum = (some: { left: number; right: number }[]) =>
    some.reduce((sum, { left, right }) => sum + right - left, 0);
  // Up to 0.7 px are left free between neighbours.
  assertAlmostEquals(sum(bars), sum(expected), expected.length * 0.8);
});

browserTest("lanes beside each other are rows, and slots of one lane are stacked", async (open) => {
  const { page } = await open(ioResult());
  const labels = await page.locator(`${TIMELINE} svg text`)
    .allTextContents();
  for (const label of ["lane 0", "lane 4", "queue", "workers", "1 lane × 5 slots"]) {
    assert(labels.some((text) => text.startsWith(label)), `${label} is missing`);
  }
});

browserTest("a tooltip tells of a bar that is pointed at, tapped, or stepped to", async (open) => {
  const { page, errors } = await open(cpuResult());
  const tip = page.locator("#tip");
  assertEquals(await tip.isVisible(), false);

  await page.locator(`${TIMELINE} .flight rect`).first().hover();
  assertMatch(await tip.innerText(), /^task 0 on lane 0: [\d.]+ ms\n/);
  await page.mouse.move(0, 0);
  assertEquals(await tip.isVisible(), false);

  await page.locator(TIMELINE).focus();
  await page.keyboard.press("Home");
  const first = await tip.innerText();
  await page.keyboard.press("ArrowRight");
  assert(await tip.isVisible());
  assert(first !== await tip.innerText(), "the next mark says the same");
  await page.keyboard.press("Escape");
  assertEquals(await tip.isVisible(), false);
  assertEquals(await tip.getAttribute("role"), "status");
  assertEquals(errors, []);
});

browserTest("every chart can be reached by the Tab key and has a name", async (open) => {
  const { page } = await open(resultOf(simulate({ name: "x", kind: "io", tasks: 9, takesMs: 50 })));
  const charts = await page.locator(".chart.wide").count();
  const reached = new Set<string>();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    const label: string | null = await page.evaluate(
      `document.activeElement.classList.contains("chart") ? document.activeElement.ariaLabel : null`,
    );
    if (label !== null) reached.add(label);
  }
  assertEquals(reached.size, charts);
  const images = await page.getByRole("img").evaluateAll((all) =>
    all.map((image) => (image as unknown as { ariaLabel: string }).ariaLabel)
  );
  assert(images.length >= charts && images.every((label) => label.length > 3));
});

browserTest("on paper the page is light, wide, and without what can't be clicked", async (open) => {
  const { page } = await open(cpuResult(), 718, "dark");
  await page.emulateMedia({ media: "print" });
  const paper = await page.evaluate("getComputedStyle(document.body).getPropertyValue('--paper')");
  assertEquals(paper, "#fcfcf9");
  assert(await page.locator(".chart.wide").first().isVisible());
  assertEquals(await page.locator("details").first().isVisible(), false);
  assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 718);
});

browserTest("hostile texts run nothing, ask for nothing, and break no layout", async (open) => {
  const result = resultOf(simulate({ name: "x", kind: "io", tasks: 5, takesMs: 50, rounds: 2 }));
  let next = 0;
  const hostile = JSON.parse(
    JSON.stringify({ ...result, comparisons: Array(3).fill(result.comparisons[0]) }),
    (_, value) =>
      typeof value === "string" ? HOSTILE_STRINGS[next++ % HOSTILE_STRINGS.length] : value,
  );
  const { page, errors, requests } = await open(hostile, 360);
  await page.locator(".chart.narrow").nth(1).focus();
  await page.keyboard.press("End");
  assertEquals(await page.evaluate("globalThis.pwned"), undefined);
  assertEquals(errors, []);
  assertEquals(requests.length, 1);
  assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
});

const made = async (): Promise<ReportFile[]> => [
  ioResult(),
  adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted)),
  adviceFileOf({ ...await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted), profile: PROFILE }),
  await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 }),
  await ratesOf(),
];

browserTest(
  "a page of everything opens without an error or a request, and never scrolls sideways",
  async (open) => {
    const everything = await made();
    for (const [width, scheme] of VIEWS) {
      const { page, errors, requests } = await open(everything, width, scheme);
      assertEquals(errors, []);
      assertEquals(requests.length, 1);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
    }
  },
);

browserTest("every name in a flame graph lies within its bar", async (open) => {
  const everything = await made();
  for (const width of [360, 1280]) {
    const { page } = await open(everything, width, "dark");
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
  }
});

browserTest(
  "no word of advice's charts is cut off by the window's edge or lies upon another",
  async (open) => {
    const everything = await made();
    for (const width of [360, 1280]) {
      const { page } = await open(everything, width, "light");
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
        // A letter's box is higher than the letter.
        const close = 4;
        boxes.forEach((a, i) => {
          for (const b of boxes.slice(i + 1)) {
            const apart = a.right <= b.left || b.right <= a.left ||
              a.bottom - close <= b.top || b.bottom - close <= a.top;
            assert(apart, `${figure} at ${width}: "${a.text}" lies upon "${b.text}"`);
          }
        });
      }
    }
  },
);

browserTest("advice's charts can be reached and stepped through by keyboard", async (open) => {
  const everything = await made();
  const { page, errors } = await open(everything, 1280, "dark");
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
});

browserTest(
  "hostile advice and sweeps run nothing, load nothing, and keep to the window",
  async (open) => {
    let next = 0;
    const files = (await made()).slice(1).map((file) => {
      const hostile = JSON.parse(
        JSON.stringify(file),
        (_, value) =>
          typeof value === "string" ? HOSTILE_STRINGS[next++ % HOSTILE_STRINGS.length] : value,
      );
      const format = fileFormats().find(({ kind }) => kind === kindNameOf(file));
      return readable(hostile, file, format!);
    });
    const { page, errors, requests } = await open(files, 360);
    assertEquals(await page.evaluate("globalThis.pwned"), undefined);
    assertEquals(errors, []);
    assertEquals(requests.length, 1);
    assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
  },
);

Deno.test({
  name: "pages do in a browser what they should",
  ignore: why !== undefined,
  fn: (t) =>
    withChromium(async (openHtml) => {
      for (const [name, look] of looks) {
        await t.step(name, () =>
          look((files, width, colorScheme) =>
            openHtml(reportPage([files].flat()), width, colorScheme)
          ));
      }
    }),
});
