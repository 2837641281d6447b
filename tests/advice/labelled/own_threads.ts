/** Computes in a thread that the task itself starts. @module */
import { numbers } from "./compute.ts";

const CODE = `self.onmessage = ({ data }) => {
  let state = data;
  for (let i = 0; i < 12e6; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  self.postMessage(state);
};`;

export const items = numbers(50);

export default async function (item: number): Promise<number> {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(CODE)}`, {
    type: "module",
  });
  try {
    return await new Promise<number>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(item);
    });
  } finally {
    worker.terminate();
  }
}
