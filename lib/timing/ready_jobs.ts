/** The jobs that come with the suite: downloads, files to save, and tasks that compute. */

import { join } from "node:path";
import type { Site } from "../site/start.ts";
import type { CpuTask, Size } from "../tasks/catalogue.ts";
import type { JobSpec } from "./spec.ts";

export function downloadJob(
  site: Pick<Site, "urls" | "hosts">,
  copies: number,
  timeoutMs: number,
  options: Readonly<Record<string, unknown>> = {},
): JobSpec {
  const values = site.urls(copies).map((url) => ({ url, timeoutMs }));
  return {
    name: `download ${values.length} pages`,
    task: { module: new URL("../tasks/download.ts", import.meta.url).href, export: "default" },
    items: { kind: "values", values },
    permissions: { net: site.hosts },
    options: { from: "test site", copies, timeoutMs, ...options },
  };
}

export function savingJob(folder: string, count: number): JobSpec {
  return {
    name: `save ${count} files`,
    task: { module: new URL("../tasks/save_file.ts", import.meta.url).href, export: "default" },
    items: {
      kind: "values",
      values: Array.from({ length: count }, (_, at) => join(folder, `${at}.bin`)),
    },
    // Permission for this folder alone isn't possible: its name may contain a comma, which Deno can't be given.
    permissions: { write: true },
    options: { count },
  };
}

export function computingJob(chosen: CpuTask, size: Size): JobSpec {
  return {
    name: nameOf(chosen, size),
    task: { module: chosen.module, export: "default" },
    items: { kind: "values", values: chosen.items(size) },
    options: { task: chosen.name, ...size },
  };
}

function nameOf({ name }: CpuTask, { start, count }: Size): string {
  const number = start.toLocaleString("en");
  if (name === "mandelbrot") return `${name}, ${start} × ${count} pixels`;
  if (name === "fib" || name === "fib-async") return `${name}(${start}), ${count} times`;
  return name === "sha256" ? `${name} of ${number} bytes` : `${name} from ${number}`;
}
