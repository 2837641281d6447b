/** A task whose module starts a timer at load, which the task stops. */

const timer = setInterval(() => {}, 1000);

export default function (n: number): number {
  clearInterval(timer);
  return n + 1;
}
