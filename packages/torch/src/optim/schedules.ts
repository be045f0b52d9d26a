/** Learning-rate factor of an iteration, counted from 0: multiply the base rate by it before the step. */
export type Schedule = (iteration: number) => number;

/** Always 1. */
export function constant(): Schedule {
  return () => 1;
}

/**
 * Rises linearly from 0 to 1 over `iterations`, then stays: min(i / iterations, 1), as EDM's ramp-up.
 * With 0 iterations it is 1 from the start.
 */
export function linearWarmup(iterations: number): Schedule {
  return (iteration) => (iteration >= iterations ? 1 : iteration / iterations);
}

/**
 * Falls from 1 to `floor` over half a cosine (Loshchilov and Hutter 2016, eq. 5 without restarts), then stays.
 * @param iterations length > 0
 * @param floor last factor, default 0
 */
export function cosine(iterations: number, floor = 0): Schedule {
  return (iteration) => {
    const progress = Math.min(iteration / iterations, 1);
    return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}

/**
 * 1 up to `reference`, then sqrt(reference / i) (Karras et al. 2024, eq. 67).
 * @param reference iteration > 0 at which the decay starts
 */
export function inverseSqrt(reference: number): Schedule {
  return (iteration) => 1 / Math.sqrt(Math.max(iteration / reference, 1));
}

/** The product of several schedules, for example a warm-up and a decay. */
export function product(...schedules: Schedule[]): Schedule {
  return (iteration) => schedules.reduce((factor, schedule) => factor * schedule(iteration), 1);
}
