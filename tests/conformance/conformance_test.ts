import { runSuite } from "./suite.ts";

runSuite((model) => model !== "cluster");
