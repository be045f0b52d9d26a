/** f-divergences by name, see `divergenceWeights`. Apart from it, because settings are read without libtorch. */
export const divergences = [
  "forward-kl",
  "reverse-kl",
  "jensen-shannon",
  "squared-hellinger",
  "softened-reverse-kl",
  "jeffreys",
  "neyman",
] as const;

export type Divergence = (typeof divergences)[number];
