/** Turns a waiting thread spins before it sleeps: they bridge the gaps between operators, about 0.1 ms. */
const SPIN_COUNT = "30000";

/**
 * Loads libtorch so that its threads soon sleep when there is nothing to do. By default libgomp lets them spin for
 * milliseconds, and beside other work they keep the processor from the very threads they wait for.
 *
 * libgomp reads the environment once, when it is loaded; setting a variable here reaches it because Node calls setenv.
 * What the user has set stays.
 */
export function withShortSpinning<T>(load: () => T): T {
  const { env } = process;
  if (env.GOMP_SPINCOUNT !== undefined || env.OMP_WAIT_POLICY !== undefined) return load();
  env.GOMP_SPINCOUNT = SPIN_COUNT;
  try {
    return load();
  } finally {
    // Not for the processes this one starts.
    delete env.GOMP_SPINCOUNT;
  }
}
