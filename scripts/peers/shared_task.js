/** The task of piscina's threads: it reads one number of the table that all of them share. */

import { workerData } from "node:worker_threads";

export default (item) => workerData[item];
