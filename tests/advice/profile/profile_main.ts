/** Runs as a separate process for profiler_test.ts: profiles a job, and prints the profile. */

import { profileJob } from "../../../lib/advice/profile/profiler.ts";
import { jobOf, options } from "./fixture.ts";

console.log(JSON.stringify(await profileJob(jobOf("computes"), options())));
