/**
 * What runs in the thread of a lane that a machine has leased: its values go on as frames, so what only
 * threads could be sent is refused.
 */

import * as v8 from "node:v8";
import { serializerOf, wayThrough } from "../subprocess/frame.ts";
import { serveThread } from "../worker/serve_thread.ts";

serveThread(undefined, wayThrough(serializerOf(v8)));
