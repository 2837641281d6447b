/** Computes and writes a file for each item, unless it exists. @module */
import { compute, numbers } from "./compute.ts";

const folder = new URL("./written_once.tmp/", import.meta.url).pathname;

export const items = numbers(120);

export default async function (item: number): Promise<string> {
  const path = `${folder}${item}`;
  await Deno.mkdir(folder, { recursive: true });
  try {
    await Deno.stat(path);
    return "skipped";
  } catch {
    await Deno.writeTextFile(path, `${compute(5_000, item)}`);
    return "written";
  }
}
