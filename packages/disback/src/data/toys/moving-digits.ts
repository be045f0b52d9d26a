import type { RandomStream } from "../random.js";

/** Digits of 5 x 7 cells, row by row; `#` is lit. */
const glyphs = [
  ".###. #...# #...# #...# #...# #...# .###.",
  "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  ".###. #...# ....# ...#. ..#.. .#... #####",
  "##### ...#. ..#.. ...#. ....# #...# .###.",
  "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
  "##### #.... ####. ....# ....# #...# .###.",
  "..##. .#... #.... ####. #...# #...# .###.",
  "##### ....# ...#. ..#.. ..#.. ..#.. ..#..",
  ".###. #...# #...# .###. #...# #...# .###.",
  ".###. #...# #...# .#### ....# ...#. .##..",
].map(litCells);

/** Width and height of a digit, in cells. A cell is a sixteenth of the picture's side. */
const [glyphWidth, glyphHeight, cellsInSide] = [5, 7, 16];
/** Where a digit may go in a frame, in cells. */
const steps = [
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
] as const;
/** Number of directions of a motion. */
export const directionCount = steps.length;

/** The motion of one clip: a digit that crosses the picture and is reflected at its edges. */
export interface Motion {
  /** 0 … 9 */
  digit: number;
  /** left and upper edge of the digit in the first frame, in pixels */
  place: readonly [x: number, y: number];
  /** before the first reflection: 0 to the right, then clockwise in eighths of a turn, to 7 */
  direction: number;
}

/**
 * Clips of one digit each, of which everything is known: `[1, frames, size, size]`, white on black. The digit starts at any
 * of its places, moves by a sixteenth of the side per frame to one of eight sides, and is reflected at the edges.
 */
export class MovingDigits {
  readonly classes = glyphs.length;
  /** how far the left upper corner of a digit can move, in pixels */
  readonly reach: readonly [x: number, y: number];
  /** side of a digit's cell in pixels */
  private readonly cell: number;

  constructor(
    readonly frames: number,
    readonly size: number,
  ) {
    this.cell = size / cellsInSide;
    this.reach = [size - glyphWidth * this.cell, size - glyphHeight * this.cell];
  }

  draw(random: RandomStream): Motion {
    const place = (reach: number) => this.cell * random.below(Math.round(reach / this.cell) + 1);
    return {
      digit: random.below(this.classes),
      place: [place(this.reach[0]), place(this.reach[1])],
      direction: random.below(directionCount),
    };
  }

  /** Left and upper edge of the digit in a frame. */
  placeAt({ place, direction }: Motion, frame: number): [x: number, y: number] {
    const [right, down] = steps[direction]!;
    return [
      reflected(place[0] + this.cell * right * frame, this.reach[0]),
      reflected(place[1] + this.cell * down * frame, this.reach[1]),
    ];
  }

  /** Writes a clip `[frames, size, size]` with values from -1 to 1. */
  render(motion: Motion, target: Float32Array): void {
    const pixels = this.size ** 2;
    target.fill(-1);
    for (let frame = 0; frame < this.frames; frame++) {
      const part = target.subarray(frame * pixels, (frame + 1) * pixels);
      this.addDigit(motion.digit, this.placeAt(motion, frame), part, 2);
    }
  }

  /**
   * Adds a digit to a picture, each pixel by the part of it that the digit covers, times `brightness`.
   * @param place left and upper edge in pixels; parts outside the picture are cut off
   */
  addDigit(
    digit: number,
    [x, y]: readonly [number, number],
    picture: Float32Array,
    brightness: number,
  ): void {
    const { cell, size } = this;
    for (const [column, row] of glyphs[digit]!) {
      const [left, top] = [x + column * cell, y + row * cell];
      for (let line = Math.max(0, Math.floor(top)); line < Math.min(size, top + cell); line++) {
        const height = Math.min(line + 1, top + cell) - Math.max(line, top);
        for (let place = Math.max(0, Math.floor(left)); place < Math.min(size, left + cell); place++) {
          const width = Math.min(place + 1, left + cell) - Math.max(place, left);
          picture[line * size + place]! += brightness * width * height;
        }
      }
    }
  }

  /** From a digit's left upper edge to the mean place of its light, in pixels. */
  centreOf(digit: number): [x: number, y: number] {
    const cells = glyphs[digit]!;
    const mean = (axis: 0 | 1) => cells.reduce((sum, cell) => sum + cell[axis] + 0.5, 0) / cells.length;
    return [this.cell * mean(0), this.cell * mean(1)];
  }
}

/** A place on the line, folded into [0, reach] by reflections at both ends. */
export function reflected(place: number, reach: number): number {
  const round = 2 * reach;
  const within = ((place % round) + round) % round;
  return within > reach ? round - within : within;
}

function litCells(glyph: string): [column: number, row: number][] {
  return glyph
    .split(" ")
    .flatMap((line, row) =>
      [...line].flatMap((cell, column): [number, number][] => (cell === "#" ? [[column, row]] : [])),
    );
}
