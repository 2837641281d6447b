/** Derives keys with Node's scrypt, which computes on threads beside the event loop. @module */
import { scrypt } from "node:crypto";
import { numbers } from "./compute.ts";

export const items = numbers(80);

export default async function (item: number): Promise<number> {
  const key = await new Promise<Uint8Array>((resolve, reject) =>
    scrypt(
      `secret ${item}`,
      "salt",
      32,
      { N: 4096 },
      (error, key) => error ? reject(error) : resolve(key),
    )
  );
  return key[0]!;
}
