/**
 * Task: fetches a page by an HTTP client made for it alone, as a program does that keeps no session:
 * each page costs a connection.
 */

import type { TaskContext } from "../lanes/task.ts";

/** Fetches a page, and reads it to its end; gives its status. */
export default async function fetchByNewClient(
  url: string,
  { signal }: TaskContext,
): Promise<number> {
  using client = Deno.createHttpClient({});
  const response = await fetch(url, { client, signal });
  await response.arrayBuffer();
  return response.status;
}
