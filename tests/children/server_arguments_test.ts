import { assert, assertEquals, assertRejects } from "@std/assert";
import { readServerOptions, serverFor } from "../../lib/children/server_arguments.ts";
import { UsageError } from "../../lib/options.ts";
import { hostOf } from "../../lib/lanes/cluster/server_options.ts";

Deno.test("a server's address is checked, and no secret may stand in it", async () => {
  assertEquals(await readServerOptions({}), undefined);
  assertEquals(await readServerOptions({ servers: "nats://a:1,b:2,tls://c" }), {
    servers: ["nats://a:1", "b:2", "tls://c"],
  });
  const refused = async (raw: object, says: string) => {
    const error = await assertRejects(() => readServerOptions(raw), UsageError, says);
    assert(!error.message.includes("secret"), error.message);
  };
  await refused({ servers: "http://a" }, "not a NATS server's address");
  await refused({ servers: "" }, "not a NATS server's address");
  await refused({ servers: "nats://ann:secret@a" }, "use --user and NATS_PASSWORD");
  await refused({ user: "ann" }, "leave it out, or add --servers");
});

Deno.test("a server goes with a model that needs one", async () => {
  await assertRejects(
    () => serverFor("--models", "limited,cluster", ["limited", "cluster"], {}),
    UsageError,
    '--models "limited,cluster": cluster needs a server; add --servers',
  );
  await assertRejects(
    () => serverFor("--model", undefined, ["limited"], { servers: "nats://a" }),
    UsageError,
    "no model chosen needs a server; leave it out, or add --model cluster",
  );
  assertEquals(await serverFor("--model", undefined, ["limited"], {}), undefined);
});

Deno.test("the host that a process may reach has a port, named or not", () => {
  assertEquals(["nats://a:1", "b", "tls://[::1]:3"].map(hostOf), ["a:1", "b:4222", "[::1]:3"]);
});
