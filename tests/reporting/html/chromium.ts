/**
 * A headless Chromium for the tests of the page, where there is one and the run may start it.
 *
 * @module
 */

import type { Browser } from "playwright-core";

/** Where systems keep it. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** playwright-core reads much of the environment and system, so it needs what `-A` gives. */
const NEEDED: readonly Deno.PermissionName[] = ["read", "write", "run", "env", "sys", "net"];

/** Why there is no browser to test with; undefined if there is one. */
export function whyNoChromium(): string | undefined {
  const missing = NEEDED.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
  if (missing.length > 0) return `needs deno test -A (no ${missing.join(", ")} permission)`;
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
