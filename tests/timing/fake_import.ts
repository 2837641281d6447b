/** A task imports this file from outside its own folder, so its trial must be allowed to read this file too. */

export function shout(text: string): string {
  return text.toUpperCase();
}
