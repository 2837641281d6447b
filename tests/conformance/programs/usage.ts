/**
 * Programs that use an executor as real ones do; the first argument chooses one, the second is the model.
 */

import * as lanes from "../../../lib/mod.ts";
import { faultTask, numbers, taskNamed } from "../guarantee.ts";

const [scenario, model = "processes"] = Deno.args as [string, Exclude<lanes.Model, "cluster">];

switch (scenario) {
  case "never closed": {
    const executor = lanes[model]();
    await executor.ready();
    console.log(JSON.stringify(await executor.map(taskNamed("double"), [1, 2]).toArray()));
    const other = lanes[model]();
    console.log(JSON.stringify(await other.map(taskNamed("double"), [3]).toArray()));
    break;
  }
  case "own handler": {
    await using executor = lanes[model]();
    const results = executor.mapSettled(taskNamed("nap"), numbers(4).map(() => 300)).toArray();
    await executor.ready();
    // The listeners are registered after the lanes were started.
    addEventListener("unhandledrejection", (event) => event.preventDefault());
    addEventListener("error", (event) => event.preventDefault());
    void Promise.reject(new Error("handled by the program"));
    setTimeout(() => {
      throw new Error("handled too");
    });
    console.log(JSON.stringify((await results).map(({ status, attempts }) => [status, attempts])));
    break;
  }
  case "prints": {
    await using executor = lanes[model]();
    const prints = {
      module:
        "data:text/javascript,console.log('at import'); export default (n) => console.log('in task', n)",
      export: "default",
    };
    await executor.map(prints as lanes.Task<number>, [7]).toArray();
    break;
  }
  case "nobody reads stderr": {
    await using executor = lanes[model]({ lanes: 1 } as never);
    const shouts = executor.map(taskNamed("shout"), numbers(20).map(() => 4096), { chunk: 1 });
    console.log((await shouts.toArray()).length);
    break;
  }
  case "few descriptors": {
    await using executor = lanes[model]({ lanes: 12, stderr: "keep" } as never);
    const outcomes = await executor.mapSettled(taskNamed("nap"), numbers(60).map(() => 5), {
      chunk: 1,
    }).toArray();
    console.log(outcomes.filter(({ status }) => status === "fulfilled").length);
    break;
  }
  case "no descriptor": {
    await using executor = lanes[model]({ lanes: 1 } as never);
    const taken: Deno.FsFile[] = [];
    try {
      while (true) taken.push(Deno.openSync("/dev/null"));
    } catch {
      console.log(await executor.ready().catch(({ name }) => name));
    }
    for (const file of taken) file.close();
    console.log(JSON.stringify(await executor.map(taskNamed("double"), [2]).toArray()));
    break;
  }
  case "few descriptors, threads": {
    await using executor = lanes.workers({ lanes: 12 });
    const outcomes = await executor.mapSettled(taskNamed("nap"), numbers(60).map(() => 5), {
      chunk: 1,
    }).toArray();
    console.log(outcomes.filter(({ status }) => status === "fulfilled").length);
    break;
  }
  case "narrow threads": {
    const secret = new URL("./usage.ts", import.meta.url).pathname;
    const given = new URL("../tasks.ts", import.meta.url).pathname;
    await using executor = lanes.workers({ lanes: 1, permissions: { read: [given] } });
    const read = await executor.map(faultTask("mayRead"), [secret, given]).toArray();
    console.log(JSON.stringify(read.map((text) => text.slice(0, 3))));
    console.log(JSON.stringify(await executor.map(taskNamed("double"), [2]).toArray()));
    const missing = {
      ...taskNamed("double"),
      module: new URL("./nowhere.ts", import.meta.url).href,
    };
    const [outcome] = await executor.mapSettled(missing, [1]).toArray();
    console.log(outcome!.status === "rejected" && String(outcome!.reason));
    console.log(JSON.stringify(await executor.map(taskNamed("double"), [3]).toArray()));
    break;
  }
  case "nested": {
    await using executor = lanes.workers({ lanes: 1 });
    const inner = {
      module: new URL("./nested_task.ts", import.meta.url).href,
      export: "default",
    } as lanes.Task<number>;
    console.log("started");
    await executor.mapSettled(inner, [1]).toArray();
    console.log("went on");
    break;
  }
  case "nested threads": {
    await using executor = lanes.workers({ lanes: 2 });
    const module = new URL("./nested_task.ts", import.meta.url);
    const inner = lanes.task<typeof import("./nested_task.ts"), "inThread">(module, "inThread");
    console.log(JSON.stringify(await executor.map(inner, [1, 2], { chunk: 1 }).toArray()));
  }
}
