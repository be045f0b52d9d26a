/** The time of steps, without evaluations and saving. */
export class StepTime {
  /**
   * @param wall wall-clock seconds
   * @param processor processor seconds of all threads of this process
   */
  constructor(
    public wall = 0,
    public processor = 0,
  ) {}

  /** Runs a step and adds its time. @returns its result and its wall-clock seconds */
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
