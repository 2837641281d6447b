/** Runs a program for each item that computes for about 15 ms. @module */

export const items = Array.from({ length: 60 }, (_, item) => item);

export default async function (item: number): Promise<number> {
  const script = "i=0; while [ $i -lt 12000 ]; do i=$((i+1)); done";
  const { code } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  return item + code;
}
