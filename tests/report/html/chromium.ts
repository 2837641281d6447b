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

/** Opens a page of this markup from a file, in a window of the given width, in place of the page before. */
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
    // One window shows all pages, because a new one takes longer to start than a page to open.
    let window: Page | undefined;
    let errors: string[] = [];
    let requests: string[] = [];
    let count = 0;
    await use(async (html, width = 1280, colorScheme = "light") => {
      if (window === undefined) {
        window = await started.newPage();
        window.on("console", (message) => errors.push(message.text()));
        window.on("pageerror", (error) => errors.push(String(error)));
        window.on("request", (request) => requests.push(request.url()));
      }
      const file = join(folder, `${count++}.html`);
      await Deno.writeTextFile(file, html);
      await window.setViewportSize({ width, height: 900 });
      await window.emulateMedia({ media: null, colorScheme });
      [errors, requests] = [[], []];
      const opened = { page: window, errors, requests };
      await window.goto(pathToFileURL(file).href);
      return opened;
    }, started);
  } finally {
    await browser?.close();
    await Deno.remove(folder, { recursive: true });
  }
}
