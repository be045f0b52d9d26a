export const rateDecays = ["constant", "cosine", "inverse-sqrt"] as const;
export type RateDecay = (typeof rateDecays)[number];

/** How learning rates change during a training. */
export interface LearningRatePlan {
  /** steps over which they rise from 0 */
  rampUp: number;
  /** not at all, to 0 at the end, or with the inverse square root of the step */
  decay: RateDecay;
  /** step at which they begin to fall */
  decayFrom: number;
  /** steps of the whole training */
  iterations: number;
}
