import { assertEquals, assertRejects } from "@std/assert";
import { pathToFileURL } from "node:url";
import hashFile from "../../lib/tasks/hash_file.ts";

const canWrite = Deno.permissions.querySync({ name: "write" }).state === "granted";

Deno.test({
  name: "hashFile() gives the digest that FIPS 180-2 lists for abc, however the file is named",
  ignore: !canWrite,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, "abc");
      const url = pathToFileURL(file);
      for (const name of [file, url, url.href]) {
        assertEquals(
          await hashFile(name),
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
      }
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test({
  name: "hashFile() rejects a file that isn't there",
  ignore: !canWrite,
  async fn() {
    await assertRejects(() => hashFile("no such file"), Deno.errors.NotFound);
  },
});
