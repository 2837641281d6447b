/** Tasks that spend their time in one function, and a source that computes as well. */

export const title = "churn";

let sum = 0;
function churn(n: number): number {
  for (let i = 0; i < 4e6; i++) sum = (sum + i * n) % 1_000_003;
  return sum;
}

export function* items(): Generator<number> {
  for (let n = 0; n < 100; n++) {
    for (let i = 0; i < 1e6; i++) sum = (sum + i * n) % 1_000_003;
    yield n;
  }
}

export default async function (n: number): Promise<number> {
  await Promise.resolve();
  return churn(n);
}
