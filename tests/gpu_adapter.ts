/**
 * Whether this machine has an adapter for WebGPU, possibly in software: without one, tests that need it are
 * ignored.
 */

export const hasAdapter: boolean = Boolean(await navigator.gpu?.requestAdapter());
