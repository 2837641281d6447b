/** Runs a program for each item that computes and holds 300 MB meanwhile. @module */

export const items = Array.from({ length: 8 }, (_, item) => item);

export default async function (item: number): Promise<number> {
  const args = ["if=/dev/zero", "of=/dev/null", "bs=300M", "count=6"];
  const { code } = await new Deno.Command("dd", { args, stderr: "null" }).output();
  return item + code;
}
