/**
 * Tasks: fetch a page by their lane's own HTTP client, which keeps connections open: what a
 * `requests.Session` in a thread-local is in Python; or by a client made for that page alone, as a program
 * does that keeps no session: each page costs a connection. A client belongs to the isolate that made it.
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
