/**
 * A headless Chromium for the tests of the page, where there is one and the run may start it.
 *
 * @module
 */

import type { Browser } from "playwright-core";
import { grantedAll } from "../../granted.ts";

/** Where systems keep it. */
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

/** Starts it; close it after use. */
export async function startChromium(): Promise<Browser> {
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
