import { DisbackError } from "../../errors.js";
import { Checkerboard } from "./checkerboard.js";
import { moons, spiral } from "./curves.js";
import type { ToyDistribution } from "./distribution.js";
import { grid, ring } from "./gaussians.js";

/** What a source such as "toy:ring?modes=8&std=0.05&count=50000&seed=1" asks for. */
export interface ToyRequest {
  distribution: ToyDistribution;
  /** number of points drawn */
  count: number;
  /** seed they are drawn with */
  seed: number;
}

interface Parameter {
  default: number;
  minimum: number;
  maximum: number;
  /** what the value must be a multiple of; absent: any number */
  step?: number;
}

interface Kind {
  parameters: Record<string, Parameter>;
  /** absent for clips, which are no points of the plane */
  build?(values: Record<string, number>): ToyDistribution;
}

const std = (value: number): Parameter => ({ default: value, minimum: 0.001, maximum: 1 });
const whole = (value: number, minimum: number, maximum: number, step = 1): Parameter => ({
  default: value,
  minimum,
  maximum,
  step,
});

const kinds: Record<string, Kind> = {
  ring: {
    parameters: { modes: whole(8, 1, 1000), std: std(0.05) },
    build: ({ modes, std }) => ring(modes!, std!),
  },
  grid: {
    parameters: { side: whole(5, 2, 32), std: std(0.05) },
    build: ({ side, std }) => grid(side!, std!),
  },
  moons: { parameters: { std: std(0.05) }, build: ({ std }) => moons(std!) },
  checkerboard: {
    parameters: { size: whole(4, 2, 64, 2) },
    build: ({ size }) => new Checkerboard(size!),
  },
  spiral: {
    parameters: {
      arms: whole(2, 1, 16),
      turns: { default: 1, minimum: 0.1, maximum: 10 },
      std: std(0.02),
    },
    build: ({ arms, turns, std }) => spiral(arms!, turns!, std!),
  },
  "moving-digits": {
    parameters: { frames: whole(8, 2, 64), size: whole(16, 16, 128, 16), directions: whole(0, 0, 1) },
  },
};

const common: Record<string, Parameter> = {
  count: whole(50000, 1, 10_000_000),
  seed: whole(0, 0, Number.MAX_SAFE_INTEGER),
};

/** The kinds of toy data that are points of the plane. */
export const planarToys = Object.keys(kinds).filter((name) => kinds[name]!.build);

function readParameter(
  source: string,
  name: string,
  text: string,
  { minimum, maximum, step }: Parameter,
): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= minimum && value <= maximum) || (step && value % step !== 0)) {
    const kind =
      step === 2
        ? "an even number"
        : step === 1
          ? "a whole number"
          : step
            ? `a multiple of ${step}`
            : "a number";
    throw new DisbackError(`${source}: ${name} must be ${kind} from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

/** A toy's name, and its parameters with all defaults filled in. */
export interface ReadToy {
  kind: string;
  values: Readonly<Record<string, number>>;
}

/**
 * Reads "toy:<kind>?<name>=<value>&…". Parameters: ring `modes` 8, `std` 0.05; grid `side` 5, `std` 0.05; moons `std`
 * 0.05; checkerboard `size` 4 (even); spiral `arms` 2, `turns` 1, `std` 0.02; moving-digits `frames` 8, `size` 16,
 * `directions` 0; all of them `count` 50000, `seed` 0.
 * @throws DisbackError naming the kind or parameter that is wrong
 */
export function readToy(source: string): ReadToy {
  const [, name = "", query = ""] = /^toy:([^?]*)\??(.*)$/.exec(source) ?? [];
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind)
    throw new DisbackError(`${source}: unknown toy data "${name}" (known: ${Object.keys(kinds).join(", ")})`);
  const parameters = { ...kind.parameters, ...common };
  const values: Record<string, number> = {};
  for (const [key, parameter] of Object.entries(parameters)) values[key] = parameter.default;
  for (const [key, text] of new URLSearchParams(query)) {
    const parameter = Object.hasOwn(parameters, key) ? parameters[key] : undefined;
    if (!parameter)
      throw new DisbackError(
        `${source}: unknown parameter "${key}" (known: ${Object.keys(parameters).join(", ")})`,
      );
    values[key] = readParameter(source, key, text, parameter);
  }
  return { kind: name, values };
}

/** The points that a source asks for. @throws DisbackError as `readToy`, and for clips */
export function parseToy(source: string): ToyRequest {
  const { kind, values } = readToy(source);
  const { build } = kinds[kind]!;
  if (!build) throw new DisbackError(`${source}: gives clips, not points`);
  return { distribution: build(values), count: values["count"]!, seed: values["seed"]! };
}
