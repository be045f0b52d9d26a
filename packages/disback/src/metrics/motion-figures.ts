import { scope, type Tensor } from "@disback/torch";
import { readFloats } from "../data/output/read-floats.js";
import { type MovingDigits, reflected } from "../data/toys/moving-digits.js";

/** How well clips show moving digits. */
export interface MotionFigures {
  /**
   * mean over the clips of the distance in pixels (root mean square over the frames) between where the digit is and the
   * nearest motion at a constant velocity with reflections
   */
  motionError: number;
  /** fraction of the clips whose frames all show one digit, the same */
  readableDigits: number;
  /** fraction of the frames that show some digit, whatever the others show */
  readableFrames: number;
}

type Place = [x: number, y: number];

/** A frame shows a digit if it differs from it by at most this part of the digit's light, both squared. */
const readable = 0.25;
/** Light below this is background when a digit is looked for. */
const background = 0.15;

/** Measures clips of moving digits, batch by batch. */
export class MotionMeter {
  private clips = 0;
  private errors = 0;
  private read = 0;
  private readFrames = 0;
  private readonly drawn: Float32Array;

  constructor(private readonly digits: MovingDigits) {
    this.drawn = new Float32Array(digits.size ** 2);
  }

  /** @param samples `[N, 1, T, H, W]` in [-1, 1] */
  add(samples: Tensor): void {
    const { frames, size } = this.digits;
    // From 0, black, to 1, white.
    const light = scope(() => readFloats(samples.add(1).div(2).clamp(0, 1)));
    const pixels = size ** 2;
    for (let clip = 0; clip < samples.shape[0]!; clip++) {
      const pictures = Array.from({ length: frames }, (_, frame) => {
        const start = (clip * frames + frame) * pixels;
        return light.subarray(start, start + pixels);
      });
      this.addClip(pictures);
    }
  }

  result(): MotionFigures {
    const { clips, errors, read, readFrames } = this;
    return {
      motionError: errors / clips,
      readableDigits: read / clips,
      readableFrames: readFrames / (clips * this.digits.frames),
    };
  }

  private addClip(pictures: readonly Float32Array[]): void {
    const centres = pictures.map((picture) => centreOf(picture, this.digits.size));
    const digit = this.likeliest(pictures, centres);
    const found = pictures.map((picture, frame) => this.placed(digit, picture, centres[frame]!));
    const errors = [0, 1].map((axis) =>
      squaredMotionError(
        found.map(({ place }) => place[axis]!),
        this.digits.reach[axis]!,
      ),
    );
    this.errors += Math.sqrt(errors[0]! + errors[1]!);
    if (found.every(({ place, difference }, frame) => this.reads(digit, pictures[frame]!, place, difference)))
      this.read++;
    this.readFrames += pictures.filter((picture, frame) => this.showsDigit(picture, centres[frame]!)).length;
    this.clips++;
  }

  /** Whether a picture shows some digit. */
  private showsDigit(picture: Float32Array, centre: Place): boolean {
    const digit = this.likeliest([picture], [centre]);
    return this.placed(digit, picture, centre).difference <= readable;
  }

  /** Whether a picture shows this digit, and no other one better. */
  private reads(digit: number, picture: Float32Array, place: Place, difference: number): boolean {
    if (difference > readable) return false;
    const digits = Array.from({ length: this.digits.classes }, (_, other) => other);
    return digits.every((other) => other === digit || this.difference(other, picture, place) > difference);
  }

  /** The digit that differs least from a clip's frames. */
  private likeliest(pictures: readonly Float32Array[], centres: readonly Place[]): number {
    let best = { digit: 0, difference: Number.POSITIVE_INFINITY };
    for (let digit = 0; digit < this.digits.classes; digit++) {
      const [x, y] = this.digits.centreOf(digit);
      const difference = pictures.reduce((sum, picture, frame) => {
        const [right, down] = centres[frame]!;
        return sum + this.difference(digit, picture, [right - x, down - y]);
      }, 0);
      if (difference < best.difference) best = { digit, difference };
    }
    return best.digit;
  }

  /** Where a digit fits a picture best, found from the mean place of the light in ever smaller steps. */
  private placed(digit: number, picture: Float32Array, centre: Place): { place: Place; difference: number } {
    const [right, down] = this.digits.centreOf(digit);
    const guess: Place = [centre[0] - right, centre[1] - down];
    let best = { place: guess, difference: this.difference(digit, picture, guess) };
    for (let step = this.digits.size / 16; step > this.digits.size / 1000; ) {
      const [x, y] = best.place;
      const around: Place[] = [
        [x - step, y],
        [x + step, y],
        [x, y - step],
        [x, y + step],
      ];
      const tried = around.map((place) => ({ place, difference: this.difference(digit, picture, place) }));
      const nearest = tried.reduce((least, one) => (one.difference < least.difference ? one : least));
      if (nearest.difference < best.difference) best = nearest;
      else step /= 2;
    }
    return best;
  }

  /** How much a picture differs from a digit, in units of the digit's light squared. */
  private difference(digit: number, picture: Float32Array, place: Place): number {
    this.drawn.fill(0);
    this.digits.addDigit(digit, place, this.drawn, 1);
    let [difference, light] = [0, 0];
    for (let pixel = 0; pixel < picture.length; pixel++) {
      difference += (picture[pixel]! - this.drawn[pixel]!) ** 2;
      light += this.drawn[pixel]! ** 2;
    }
    return light === 0 ? Number.POSITIVE_INFINITY : difference / light;
  }
}

/** The mean place of a picture's light; its middle if it is black. */
function centreOf(picture: Float32Array, size: number): Place {
  let [sum, x, y] = [0, 0, 0];
  for (let pixel = 0; pixel < picture.length; pixel++) {
    const light = picture[pixel]! > background ? picture[pixel]! : 0;
    sum += light;
    x += light * ((pixel % size) + 0.5);
    y += light * (Math.floor(pixel / size) + 0.5);
  }
  return sum === 0 ? [size / 2, size / 2] : [x / sum, y / sum];
}

/**
 * The mean squared distance of places on a line from the nearest motion `reflected(start + velocity t)`, found on a grid of
 * starts around the first places and of velocities, then on a finer one around the best.
 */
function squaredMotionError(places: readonly number[], reach: number): number {
  const error = (start: number, velocity: number) =>
    places.reduce((sum, place, frame) => {
      return sum + (place - reflected(start + velocity * frame, reach)) ** 2;
    }, 0) / places.length;
  let best = { start: 0, velocity: 0, error: Number.POSITIVE_INFINITY };
  const search = (starts: readonly number[], velocities: readonly number[]) => {
    for (const start of starts)
      for (const velocity of velocities) {
        const found = error(start, velocity);
        if (found < best.error) best = { start, velocity, error: found };
      }
  };
  const fastest = reach / 4;
  search(around(places[0]!, reach / 10, 4), around(0, fastest, 20));
  for (let [width, speed] = [reach / 40, fastest / 20]; width > reach / 2000; width /= 4, speed /= 4)
    search(around(best.start, width, 4), around(best.velocity, speed, 4));
  return best.error;
}

/** `2 steps + 1` numbers, evenly from `middle - width` to `middle + width`. */
function around(middle: number, width: number, steps: number): number[] {
  return Array.from({ length: 2 * steps + 1 }, (_, index) => middle + (width * (index - steps)) / steps);
}
