/**
 * Task: downloads a page from a server that isn't ours. The same as download.ts, but for how results
 * are compared: pages on the web change from one request to the next (a date, an advertisement, a
 * token), so the models are held to equal status only.
 *
 * @module
 */

import type { Download } from "./download.ts";

export { default } from "./download.ts";

/**
 * What must be equal between models.
 *
 * @param download What came.
 * @returns Its HTTP status.
 *
 * @example
 * ```ts
 * import { statusOf } from "./download_anywhere.ts";
 *
 * const page = { url: "https://example.org/", bytes: 0, checksum: "811c9dc5" };
 * console.log(statusOf({ ...page, status: 200 })); // 200
 * ```
 */
export function statusOf(download: Download): number {
  return download.status;
}
