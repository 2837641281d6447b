/**
 * What a thread says that ends before it has a port of its own to say so.
 *
 * @module
 */

/** It posts this, and how it ends. */
export const DYING = "a lane is dying";
