/**
 * Tasks: fetch a page by the lane's own HTTP client, which keeps connections open, as a thread-local
 * `requests.Session` does in Python; or by a new client for each page, as a program without a session does,
 * which costs a connection each time. A client belongs to the isolate that made it.
 */

import type { TaskContext } from "../lanes/task.ts";

export function setup(): Deno.HttpClient {
  return Deno.createHttpClient({});
}

export function teardown(client: Deno.HttpClient): void {
  client.close();
}

export default async function fetchByClient(
  url: string,
  { resource: client, signal }: Pick<TaskContext<Deno.HttpClient>, "resource" | "signal">,
): Promise<number> {
  const response = await fetch(url, { client, signal });
  await response.arrayBuffer();
  return response.status;
}

export async function byNewClient(url: string, { signal }: TaskContext): Promise<number> {
  using resource = Deno.createHttpClient({});
  return await fetchByClient(url, { resource, signal });
}
