/** Each page needs the token of the page before: only the list's own order has no failures. @module */
import { numbers, wait } from "./compute.ts";

const tokens = new Map([[1, "token of the first page"]]);

export const items = numbers(80);

export default async function (page: number): Promise<string> {
  const token = tokens.get(page);
  if (token === undefined) throw new Error(`no token for page ${page}`);
  await wait(12);
  tokens.set(page + 1, `token that page ${page} gave`);
  return token;
}
