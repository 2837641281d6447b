/** What runs in piscina's threads: it reads one number of the table that all tasks share. */

import { workerData } from "node:worker_threads";

export default (item) => workerData[item];
