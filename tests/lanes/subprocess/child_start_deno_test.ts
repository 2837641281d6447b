/** Starting Deno with an environment variable that Deno only passes on under unlimited --allow-run. */

import { assertEquals } from "@std/assert";
import { granted } from "../../granted.ts";
import { importOf } from "../small_program.ts";

Deno.test({
  name: "who may run Deno alone starts it without what a linker goes by, and says so once",
  ignore: !granted("run", "read", "env"),
  async fn() {
    const code = `${importOf("startDeno", "subprocess/child.ts")}
      const args = ["eval", 'console.log([Deno.env.get("LD_LIBRARY_PATH"), Deno.env.get("OWN")])'];
      const env = { OWN: "kept", NO_COLOR: "1" };
      for (let time = 0; time < 2; time++) {
        const { stdout } = await startDeno({ args, env, stdout: "piped", stderr: "piped" }).output();
        console.log(new TextDecoder().decode(stdout).trim());
      }`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--allow-read", `--allow-run=${Deno.execPath()}`],
        `data:text/javascript,${encodeURIComponent(code)}`,
      ],
      env: { LD_LIBRARY_PATH: "/nowhere", NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const [out, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(out, '[ "", "kept" ]\n[ "", "kept" ]\n');
    assertEquals(
      told,
      "warning: subprocesses get no LD_LIBRARY_PATH, for which they need --allow-run of all\n",
    );
  },
});
