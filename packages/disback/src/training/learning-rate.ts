import { constant, cosine, inverseSqrt, linearWarmup, product, type Schedule } from "@disback/torch";
import type { LearningRatePlan } from "./learning-rate-plan.js";

/** The learning rate's factor by iteration, in [0, 1]: linear ramp-up as in EDM, times the chosen decay. */
export function learningRateSchedule(plan: LearningRatePlan): Schedule {
  return product(rampUp(plan.rampUp), decay(plan));
}

/** Starts above 0, because a step with a learning rate of 0 would be wasted. */
function rampUp(iterations: number): Schedule {
  const warmup = linearWarmup(iterations);
  return (iteration) => warmup(iteration + 1);
}

function decay({ decay, decayFrom, iterations }: LearningRatePlan): Schedule {
  if (decay === "constant") return constant();
  if (decay === "inverse-sqrt") return inverseSqrt(Math.max(decayFrom, 1));
  const fall = cosine(Math.max(iterations - decayFrom, 1));
  return (iteration) => fall(Math.max(iteration - decayFrom, 0));
}
