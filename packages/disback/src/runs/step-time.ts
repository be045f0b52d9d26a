/** What steps took, evaluations and saving not counted. */
export class StepTime {
  /**
   * @param wall wall-clock seconds
   * @param processor seconds that all threads of this process were on a core
   */
  constructor(
    public wall = 0,
    public processor = 0,
  ) {}

  /** Adds what a step takes. @returns its result and its wall-clock seconds */
  async of<T>(step: () => T | Promise<T>): Promise<{ result: T; seconds: number }> {
    const began = performance.now();
    const before = process.cpuUsage();
    const result = await step();
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - began) / 1000;
    this.wall += seconds;
    this.processor += (user + system) / 1e6;
    return { result, seconds };
  }
}
