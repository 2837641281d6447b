/** Imported by a task from outside its own folder: its trial must be allowed to read this file too. */

export function shout(text: string): string {
  return text.toUpperCase();
}
