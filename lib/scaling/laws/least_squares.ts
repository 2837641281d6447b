/**
 * Least squares of a few parameters.
 *
 * @module
 */

/** Solves the symmetric system A·x = b by Gauss with pivoting; null if it has no single answer. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | null {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let at = 0; at < n; at++) {
    let best = at;
    for (let row = at + 1; row < n; row++) {
      if (Math.abs(rows[row]![at]!) > Math.abs(rows[best]![at]!)) best = row;
    }
    [rows[at], rows[best]] = [rows[best]!, rows[at]!];
    const pivot = rows[at]![at]!;
    if (!(Math.abs(pivot) > 1e-300)) return null;
    for (let row = 0; row < n; row++) {
      if (row === at) continue;
      const factor = rows[row]![at]! / pivot;
      for (let column = at; column <= n; column++) {
        rows[row]![column]! -= factor * rows[at]![column]!;
      }
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

/**
 * The least squares of `design` · x = `target`, by the normal equations; damped, a step of Marquardt's
 * method (SIAM Journal 11, 1963).
 *
 * @param damping By what share each element of the diagonal is enlarged; 0 for none.
 * @returns The parameters; null if there is no single answer.
 */
export function leastSquares(
  design: readonly (readonly number[])[],
  target: readonly number[],
  damping: number,
): number[] | null {
  const p = design[0]!.length;
  const normal = Array.from({ length: p }, (_, i) =>
    Array.from({ length: p }, (_, j) => {
      const sum = design.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
      return i === j ? sum * (1 + damping) : sum;
    }));
  const right = Array.from(
    { length: p },
    (_, i) => design.reduce((sum, row, k) => sum + row[i]! * target[k]!, 0),
  );
  return solve(normal, right);
}
