import type { RandomStream } from "../random.js";

/** The modes of a mixture of isotropic Gaussians, as `modeCoverage` takes them. */
export interface MixtureModes {
  /** centres, K rows of 2 coordinates */
  centers: number[][];
  /** standard deviation of every mode and coordinate */
  deviation: number;
}

/** A point and the component it came from. */
export interface ToyPoint {
  x: number;
  y: number;
  /** 0 … classes-1 */
  label: number;
}

/** A known distribution in the plane, of about unit size, to draw from and to compare with. */
export interface ToyDistribution {
  /** for people: kind and parameters */
  readonly name: string;
  /** number of components: modes, moons, squares or arms; they serve as class labels */
  readonly classes: number;
  /** means and deviation, where the distribution is a mixture of Gaussians */
  readonly modes?: MixtureModes;
  /** axes to draw it on: [-extent, extent] in both directions */
  readonly extent: number;
  /** one point, exactly from the distribution */
  draw(random: RandomStream): ToyPoint;
  /** probability density at (x, y); its integral over the plane is 1 */
  density(x: number, y: number): number;
}
