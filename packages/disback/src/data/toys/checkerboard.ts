import type { RandomStream } from "../random.js";
import type { ToyDistribution, ToyPoint } from "./distribution.js";

/**
 * Uniform on every other square of a `size` x `size` board over [-1, 1]^2, the lower left one included. With `size`
 * even, half of the board's area 4 is covered, so the density is 1/2 there and 0 elsewhere.
 */
export class Checkerboard implements ToyDistribution {
  readonly name: string;
  readonly classes: number;
  readonly extent = 1.5;
  private readonly squares: [number, number][] = [];

  constructor(private readonly size: number) {
    this.name = `checkerboard of ${size} x ${size} squares`;
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        if ((row + column) % 2 === 0) this.squares.push([column, row]);
    this.classes = this.squares.length;
  }

  draw(random: RandomStream): ToyPoint {
    const label = random.below(this.classes);
    const [column, row] = this.squares[label]!;
    const width = 2 / this.size;
    return { x: -1 + width * (column + random.uniform()), y: -1 + width * (row + random.uniform()), label };
  }

  density(x: number, y: number): number {
    const column = Math.floor(((x + 1) * this.size) / 2);
    const row = Math.floor(((y + 1) * this.size) / 2);
    const inside = column >= 0 && column < this.size && row >= 0 && row < this.size;
    return inside && (column + row) % 2 === 0 ? this.size ** 2 / (4 * this.classes) : 0;
  }
}
