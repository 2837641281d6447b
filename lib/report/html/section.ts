/**
 * A part of a page.
 *
 * @module
 */

/** A part of a page, with a heading that its table of contents links to. */
export interface Section {
  /** Unique in its page; letters, digits and hyphens. */
  readonly id: string;
  /** Its heading, as plain text; escaped when the page is written. */
  readonly title: string;
  /** What stands below the heading, as safe markup; the `markup` tag of markup.ts makes it. */
  readonly html: string;
}
