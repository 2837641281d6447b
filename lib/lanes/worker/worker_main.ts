/** What runs in a worker lane's thread. It imports no npm package: a lane must start fast. */

import { serveThread } from "./serve_thread.ts";

serveThread();
