import { assertEquals, assertRejects } from "@std/assert";
import saveFile from "../../lib/tasks/save_file.ts";
import { granted } from "../granted.ts";

Deno.test({
  name: "a file is saved whole, over what was there, and a folder is refused",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/saved.bin`;
      await Deno.writeTextFile(path, "x".repeat(100_000));
      assertEquals(await saveFile(path), 16_384);
      assertEquals((await Deno.stat(path)).size, 16_384);
      await assertRejects(() => saveFile(folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
