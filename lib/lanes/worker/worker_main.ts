/** The program of a worker lane's thread. It imports no npm package, so that lanes start fast. */

import { serveThread } from "./serve_thread.ts";

serveThread();
