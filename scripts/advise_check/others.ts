/** Other programs that compute while advice is given, as on a machine that others use too. */

/** Starts so many programs that do nothing but compute, until they are disposed. */
export function othersCompute(count: number): AsyncDisposable {
  const programs = Array.from({ length: count }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["eval", "for (;;);"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn());
  return {
    async [Symbol.asyncDispose]() {
      for (const program of programs) {
        try {
          program.kill("SIGKILL");
        } catch {
          // It was ended with the terminal's other processes.
        }
      }
      await Promise.all(programs.map(({ status }) => status));
    },
  };
}
