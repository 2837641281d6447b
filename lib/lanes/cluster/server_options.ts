/** Where the server between the machines is, and how this program may use it. */

/** The port of a NATS server whose address names none. */
const DEFAULT_PORT = 4222;

/** Host and port of a server's address. */
export function hostOf(server: string): string {
  const { host, port } = new URL(/^[a-z]+:\/\//i.test(server) ? server : `nats://${server}`);
  return port === "" ? `${host}:${DEFAULT_PORT}` : host;
}

/** How the server is reached. */
export interface ServerOptions {
  /** Addresses such as `nats://127.0.0.1:4222`, of one server or of several that belong together. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Path of a file of credentials. */
  readonly creds?: string | undefined;
  /** Path of the certificates by which the server's is checked. */
  readonly tlsCa?: string | undefined;
}
