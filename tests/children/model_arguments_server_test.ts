import { assert, assertEquals, assertRejects } from "@std/assert";
import { readServerOptions, serverFault, serverFor } from "../../lib/children/model_arguments.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { join } from "node:path";
import { granted } from "../granted.ts";
import { hostOf } from "../../lib/lanes/cluster/broker.ts";

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

Deno.test({
  name: "credentials are a file, which can be read once more, and no pipe that may say nothing",
  ignore: !granted("read", "write", "run") || Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const creds = join(folder, "creds");
    await new Deno.Command("mkfifo", { args: [creds] }).output();
    await assertRejects(
      () => readServerOptions({ servers: "nats://a", creds }),
      UsageError,
      `--creds "${creds}": no file that can be read again; write it to a file`,
    ).finally(() => Deno.remove(folder, { recursive: true }));
  },
});

Deno.test({
  name:
    "a file that holds no credentials, or no certificate, is the fault of the option that names it",
  ignore: !granted("read", "write"),
  async fn() {
    const file = await Deno.makeTempFile();
    const told = async (raw: object) => {
      const servers = "nats://a";
      const { message } = await assertRejects(
        () => readServerOptions({ servers, ...raw }),
        UsageError,
      );
      return message.replace(file, "file");
    };
    try {
      assertEquals(
        await told({ creds: file }),
        '--creds "file": it holds no credentials; name the file that nsc made',
      );
      assertEquals(
        await told({ tlsCa: file }),
        '--tls-ca "file": it holds no certificate; name a PEM file that has one',
      );
      await Deno.writeTextFile(file, "-----BEGIN CERTIFICATE-----");
      assertEquals((await readServerOptions({ servers: "nats://a", tlsCa: file }))?.tlsCa, file);
    } finally {
      await Deno.remove(file);
    }
  },
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

Deno.test("what a child says of a server is the option's fault, and nothing else is", () => {
  const said = (why: string) =>
    serverFault(`Cannot run the job: Cannot start a lane: it could not be had: ${why}`)?.message;
  assertEquals(
    said("Cannot use nats://a:1, nats://b:2: nobody answers there (a; b); start a server"),
    '--servers "nats://a:1, nats://b:2": nobody answers there (a; b); start a server',
  );
  assertEquals(
    said("no machine has joined at nats://a:1; start one with deno task lane --servers nats://a:1"),
    '--servers "nats://a:1": no machine has joined at nats://a:1; ' +
      "start one with deno task lane --servers nats://a:1",
  );
  assertEquals(said("found no adapter; install one"), undefined);
  assertEquals(serverFault("Cannot use nats://a:1: it is gone; start it"), undefined);
});

Deno.test("the host that a process may reach has a port, named or not", () => {
  assertEquals(["nats://a:1", "b", "tls://[::1]:3"].map(hostOf), ["a:1", "b:4222", "[::1]:3"]);
});
