/** A task in whose module a timer runs from the start, until the task has run. */

const timer = setInterval(() => {}, 1000);

export default function (n: number): number {
  clearInterval(timer);
  return n + 1;
}
