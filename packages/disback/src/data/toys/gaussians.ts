import type { RandomStream } from "../random.js";
import type { MixtureModes, ToyDistribution, ToyPoint } from "./distribution.js";

/** Density of an isotropic Gaussian of the plane at squared distance `squared` from its mean. */
export function gaussianDensity(squared: number, deviation: number): number {
  const variance = deviation * deviation;
  return Math.exp(-squared / (2 * variance)) / (2 * Math.PI * variance);
}

/** K equally likely isotropic Gaussians: `p(x) = 1/K sum_k N(x; m_k, s^2 I)`. */
export class GaussianMixture implements ToyDistribution {
  readonly classes: number;
  readonly modes: MixtureModes;
  readonly extent = 1.5;

  constructor(
    readonly name: string,
    centers: number[][],
    deviation: number,
  ) {
    this.classes = centers.length;
    this.modes = { centers, deviation };
  }

  draw(random: RandomStream): ToyPoint {
    const label = random.below(this.classes);
    const [x, y] = this.modes.centers[label]! as [number, number];
    const [right, up] = random.normalPair();
    return { x: x + this.modes.deviation * right, y: y + this.modes.deviation * up, label };
  }

  density(x: number, y: number): number {
    const { centers, deviation } = this.modes;
    let sum = 0;
    for (const [centerX, centerY] of centers as [number, number][])
      sum += gaussianDensity((x - centerX) ** 2 + (y - centerY) ** 2, deviation);
    return sum / this.classes;
  }
}

/** Modes evenly on the unit circle; mode k at angle `2 pi k / K`, the first at (1, 0). */
export function ring(modes: number, std: number): GaussianMixture {
  const centers = Array.from({ length: modes }, (_, mode) => {
    const angle = (2 * Math.PI * mode) / modes;
    return [Math.cos(angle), Math.sin(angle)];
  });
  return new GaussianMixture(`ring of ${modes} Gaussians (std ${std})`, centers, std);
}

/** `side` x `side` modes evenly over [-1, 1]^2, corners included; row by row from the lower left. */
export function grid(side: number, std: number): GaussianMixture {
  const place = (index: number): number => -1 + (2 * index) / (side - 1);
  const centers = Array.from({ length: side * side }, (_, mode) => [
    place(mode % side),
    place(Math.floor(mode / side)),
  ]);
  return new GaussianMixture(`grid of ${side} x ${side} Gaussians (std ${std})`, centers, std);
}
