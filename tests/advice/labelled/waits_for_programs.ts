/** Runs a program that sleeps 10 ms, and blocks its thread meanwhile. @module */
import { numbers } from "./compute.ts";

export const items = numbers(80);

export default function (item: number): number {
  const { code } = new Deno.Command("sleep", { args: ["0.01"] }).outputSync();
  return item + code;
}
