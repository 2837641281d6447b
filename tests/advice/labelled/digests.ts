/** Derives keys, which Deno computes on threads beside the event loop. @module */
import { numbers } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  const secret = new Uint8Array(16).fill(item);
  const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: secret, iterations: 30_000 };
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, key, 256))[0]!;
}
