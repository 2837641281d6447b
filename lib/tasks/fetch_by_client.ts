/**
 * Task: fetches a page by its lane's own HTTP client, which keeps connections open: what a
 * `requests.Session` in a thread-local is in Python. A client belongs to the isolate that made it.
 */

import type { TaskContext } from "../lanes/task.ts";

export function setup(): Deno.HttpClient {
  return Deno.createHttpClient({});
}

/** Fetches a page, and reads it to its end; gives its status. */
export default async function fetchByClient(
  url: string,
  { resource: client, signal }: TaskContext<Deno.HttpClient>,
): Promise<number> {
  const response = await fetch(url, { client, signal });
  await response.arrayBuffer();
  return response.status;
}

/** Closes the lane's client, and its connections. */
export function teardown(client: Deno.HttpClient): void {
  client.close();
}
