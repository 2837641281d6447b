/** Computes and writes a file for each item, unless it exists; `reset` removes the files. @module */
import { compute, numbers } from "./compute.ts";

const folder = new URL("./written_again.tmp/", import.meta.url).pathname;

export async function reset(): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
}

export const items = numbers(120);

export default async function (item: number): Promise<string> {
  const path = `${folder}${item}`;
  try {
    await Deno.stat(path);
    return "skipped";
  } catch {
    await Deno.writeTextFile(path, `${compute(5_000, item)}`);
    return "written";
  }
}
