import type { RandomStream } from "../random.js";
import type { ToyDistribution, ToyPoint } from "./distribution.js";
import { gaussianDensity } from "./gaussians.js";

/** A curve in the plane over u in [0, 1]. */
type Curve = (u: number) => [number, number];

/**
 * Points of a few curves, each equally likely, plus Gaussian noise of deviation `s` in both coordinates:
 * `p(x) = 1/K sum_k integral_0^1 N(x; c_k(u), s^2 I) du`.
 */
export class NoisyCurves implements ToyDistribution {
  readonly classes: number;
  readonly extent = 1.5;
  private nodes: [number, number][] | undefined;

  /**
   * @param curves each maps a uniform number in [0, 1] to a point
   * @param speed an upper bound of `|dc/du|`, for the density
   */
  constructor(
    readonly name: string,
    private readonly curves: Curve[],
    private readonly deviation: number,
    private readonly speed: number,
  ) {
    this.classes = curves.length;
  }

  draw(random: RandomStream): ToyPoint {
    const label = random.below(this.classes);
    const [x, y] = this.curves[label]!(random.uniform());
    const [right, up] = random.normalPair();
    return { x: x + this.deviation * right, y: y + this.deviation * up, label };
  }

  /** By the midpoint rule with nodes at most a quarter of `s` apart, which a Gaussian makes exact to many digits. */
  density(x: number, y: number): number {
    this.nodes ??= this.midpoints();
    let sum = 0;
    for (const [nodeX, nodeY] of this.nodes)
      sum += gaussianDensity((x - nodeX) ** 2 + (y - nodeY) ** 2, this.deviation);
    return sum / this.nodes.length;
  }

  private midpoints(): [number, number][] {
    const count = Math.ceil((4 * this.speed) / this.deviation);
    return this.curves.flatMap((curve) =>
      Array.from({ length: count }, (_, node) => curve((node + 0.5) / count)),
    );
  }
}

/**
 * Two interleaving half circles of radius 2/3: those of scikit-learn's `make_moons`, moved by (-1/2, -1/4) and scaled
 * by 2/3, so that they reach from -1 to 1. `std` is in these units. Uniform along each.
 */
export function moons(std: number): NoisyCurves {
  const place = (x: number, y: number): [number, number] => [(2 / 3) * (x - 0.5), (2 / 3) * (y - 0.25)];
  const upper: Curve = (u) => place(Math.cos(Math.PI * u), Math.sin(Math.PI * u));
  const lower: Curve = (u) => place(1 - Math.cos(Math.PI * u), 0.5 - Math.sin(Math.PI * u));
  return new NoisyCurves(`two moons (std ${std})`, [upper, lower], std, (2 / 3) * Math.PI);
}

const innerRadius = 0.1;

/**
 * Archimedean spirals `angle = 2 pi (turns * r + arm / arms)` from radius 0.1 to 1, with `r^2` uniform: the points lie
 * about evenly along the arms.
 */
export function spiral(arms: number, turns: number, std: number): NoisyCurves {
  const start = innerRadius ** 2;
  const curves = Array.from({ length: arms }, (_, arm): Curve => {
    return (u) => {
      const radius = Math.sqrt(start + (1 - start) * u);
      const angle = 2 * Math.PI * (turns * radius + arm / arms);
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    };
  });
  // |dc/du| = |dr/du| sqrt(1 + (2 pi turns r)^2) with dr/du = (1 - r0^2) / (2 r), largest at r0.
  const speed = (1 / (2 * innerRadius)) * Math.hypot(1, 2 * Math.PI * turns * innerRadius);
  return new NoisyCurves(
    `spiral of ${arms} arms, ${turns} turn${turns === 1 ? "" : "s"} (std ${std})`,
    curves,
    std,
    speed,
  );
}
