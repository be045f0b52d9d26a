/** The default size of Node's thread pool, which reads files and decodes images. */
const workers = 4;

/**
 * Runs `task(0) … task(count - 1)`, a few at a time. The first failure ends the run; what has started is awaited.
 */
export async function concurrently(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < count && !failed) {
      try {
        await task(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: workers }, work));
  const rejected = results.find((result) => result.status === "rejected");
  if (rejected) throw rejected.reason;
}
