/** A headless Chromium for tests of pages, if there is one and the test run may start it. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { grantedAll } from "../../granted.ts";

/** The places where systems install Chromium. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Why there is no browser to test with; undefined if there is one. */
export function whyNoChromium(): string | undefined {
  // playwright-core reads much of the environment and the system.
  if (!grantedAll()) return "needs all permissions: run deno task test";
  if (findChromium() === undefined) return `needs Chromium, looked for in ${PLACES.join(", ")}`;
}

function findChromium(): string | undefined {
  return PLACES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Starts Chromium; close it after use. */
async function startChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: findChromium()!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** An opened page, and the events while it opened. */
export interface Opened {
  readonly page: Page;
  /** Console errors, uncaught errors, and policy violations. */
  readonly errors: string[];
  /** The addresses requested, including the page's own. */
  readonly requests: string[];
}

/** Opens a page of this markup from a file, in a window of the given width. */
export type OpenHtml = (
  html: string,
  width?: number,
  colorScheme?: "light" | "dark",
) => Promise<Opened>;

/** Calls `use` with a browser and a folder for its pages; both are removed afterwards. */
export async function withChromium(
  use: (open: OpenHtml, browser: Browser) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  let browser: Browser | undefined;
  try {
    const started = browser = await startChromium();
    await use(async (html, width = 1280, colorScheme = "light") => {
      const file = join(folder, "page.html");
      await Deno.writeTextFile(file, html);
      const page = await started.newPage({ viewport: { width, height: 900 }, colorScheme });
      const errors: string[] = [], requests: string[] = [];
      page.on("console", (message) => errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      return { page, errors, requests };
    }, started);
  } finally {
    await browser?.close();
    await Deno.remove(folder, { recursive: true });
  }
}
