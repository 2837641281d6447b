/** Asks a server that closes a fifth connection at the same time. @module */
import { wait } from "./compute.ts";

const MOST = 4;

async function serve(listener: Deno.TcpListener): Promise<void> {
  let open = 0;
  for await (const connection of listener) {
    if (open >= MOST) {
      connection.close();
      continue;
    }
    open++;
    answer(connection).finally(() => open--);
  }
}

async function answer(connection: Deno.TcpConn): Promise<void> {
  try {
    await wait(12);
    await connection.write(new TextEncoder().encode("ok"));
  } finally {
    connection.close();
  }
}

export function* items(): Generator<number> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  listener.unref();
  serve(listener);
  for (let item = 0; item < 100; item++) yield listener.addr.port;
}

export default async function (port: number): Promise<number> {
  using connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const read = await connection.read(new Uint8Array(8));
  if (read === null) throw new Error("the server hung up");
  return read;
}
