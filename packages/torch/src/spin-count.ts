/** How many times a waiting thread spins before it sleeps: enough for the gaps between operators, about 0.1 ms. */
const SPIN_COUNT = "30000";

/**
 * Loads libtorch so that its idle threads soon sleep. By default libgomp lets them spin for milliseconds. If there is
 * other work, they then take the processor from the threads they wait for.
 *
 * libgomp reads the environment once, when it is loaded. Setting a variable here works, because Node calls setenv. A
 * value set by the user is kept.
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
