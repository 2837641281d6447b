/**
 * Checks what shows only where some tasks end before a deadline and others don't. A busy machine may outrun a
 * deadline that is short enough for a test, so a check that failed is made once more, with a longer one.
 *
 * @param longer How many times as long; less for a check that waits for its deadline several times.
 */
export async function withDeadline(
  deadlineMs: number,
  check: (deadlineMs: number) => Promise<void>,
  longer = 20,
): Promise<void> {
  await check(deadlineMs).catch(() => check(longer * deadlineMs));
}
