/** Runs a program for each item that sleeps 15 ms. @module */

export const items = Array.from({ length: 80 }, (_, item) => item);

export default async function (item: number): Promise<number> {
  const { code } = await new Deno.Command("sleep", { args: ["0.015"] }).output();
  return item + code;
}
