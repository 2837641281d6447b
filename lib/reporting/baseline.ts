export class Baseline {
  static read(_: string | undefined): Promise<Baseline | undefined> {
    return Promise.resolve(undefined);
  }
  report(..._: unknown[]): boolean {
    return false;
  }
}
