/**
 * Whether this machine has an adapter for WebGPU, be it one in software: tests that need one are ignored
 * without.
 */

/** Whether a GPU lane can be opened here. */
export const hasAdapter: boolean = Boolean(await navigator.gpu?.requestAdapter());
