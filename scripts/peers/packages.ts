/**
 * The npm packages that the library is compared with, and their versions. The programs import them by these
 * names at run time only, so they stay out of the project's module graph, import map and lock file, and are
 * downloaded only for a race.
 */

/** https://github.com/piscinajs/piscina */
export const PISCINA: string = "npm:piscina@5.3.2";

/** https://github.com/tinylibs/tinypool */
export const TINYPOOL: string = "npm:tinypool@2.2.0";

/** https://github.com/poolifier/poolifier */
export const POOLIFIER: string = "npm:poolifier@5.3.2";

/** https://github.com/josdejong/workerpool */
export const WORKERPOOL: string = "npm:workerpool@10.0.3";

/** https://github.com/jestjs/jest */
export const JEST_WORKER: string = "npm:jest-worker@30.5.1";

/** https://github.com/sindresorhus/p-limit */
export const P_LIMIT: string = "npm:p-limit@7.3.3";

/** https://github.com/sindresorhus/p-map */
export const P_MAP: string = "npm:p-map@7.1.1";

/** https://github.com/sindresorhus/p-queue */
export const P_QUEUE: string = "npm:p-queue@10.0.0";

/** https://github.com/nodejs/undici */
export const UNDICI: string = "npm:undici@8.13.1";
