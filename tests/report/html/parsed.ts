/** Parses pages for the tests. */

import { parseHTML } from "linkedom";

/** The part of an element that the tests look at. */
export interface Element {
  readonly localName: string;
  readonly textContent: string;
  readonly id: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
}

export function parsed(page: string): Element {
  return (parseHTML(page) as unknown as { document: Element }).document;
}

/** All elements that a selector finds. */
export function all(root: Element, selector: string): Element[] {
  return [...root.querySelectorAll(selector)];
}

/** The texts of all elements that a selector finds. */
export function texts(root: Element, selector: string): string[] {
  return all(root, selector).map(({ textContent }) => textContent.trim());
}
