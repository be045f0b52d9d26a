import {
  type Device,
  full,
  Generator,
  type Module,
  noGrad,
  randn,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import type { Condition, ConditionShapes } from "../models/condition.js";
import { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { sigmaSchedule } from "../models/samplers/sigma-schedule.js";
import { denoisingWeight, perSample } from "./denoising-loss.js";

/** Findings about one network. */
export interface NetworkFindings {
  network: string;
  /** name of the first weight that is not finite */
  brokenWeight?: string;
  /** noise levels at which its estimates are not finite, from high to low */
  brokenLevels: number[];
  /** the noise level with the highest weighted loss, and that loss per element */
  worst?: { sigma: number; loss: number };
}

/** Noise levels that are examined, and samples at each. */
const LEVELS = 12;
const SAMPLES = 8;

/** The facts and the device of the examined models. */
export interface ExaminedKind {
  facts: ModelFacts;
  device: Device;
}

/**
 * Finds what is wrong with networks whose training failed. Checks their weights, and their estimates over the whole
 * range of noise levels on Gaussian samples with the data's standard deviation. Uses its own random stream.
 *
 * @param networks by name, in the order of the report
 * @param like facts of a model of the same data, and the device
 */
export function examineNetworks(
  networks: Readonly<Record<string, Module>>,
  like: ExaminedKind,
): NetworkFindings[] {
  return Object.entries(networks).map(([network, module]) => {
    const weights = [...module.stateDict()];
    const brokenWeight = weights.find(([, weight]) => !allFinite(weight))?.[0];
    // For a model that is not a denoiser, only the weights are checked.
    const levels = module instanceof DenoiserModule ? levelsOf(module.eval(), like) : [];
    const brokenLevels = levels.filter(({ loss }) => !Number.isFinite(loss)).map(({ sigma }) => sigma);
    const worst = levels
      .filter(({ loss }) => Number.isFinite(loss))
      .reduce<NetworkFindings["worst"]>((a, b) => (a && a.loss >= b.loss ? a : b), undefined);
    return {
      network,
      ...(brokenWeight === undefined ? {} : { brokenWeight }),
      brokenLevels,
      ...(worst ? { worst } : {}),
    };
  });
}

/** The findings in one line: which network failed, and at which noise levels. */
export function describeFindings(findings: readonly NetworkFindings[]): string {
  const broken = findings.find((one) => one.brokenLevels.length > 0 || one.brokenWeight !== undefined);
  if (broken) {
    const { network, brokenWeight, brokenLevels } = broken;
    const weight = brokenWeight === undefined ? "" : `weights not finite (${brokenWeight}), `;
    const [highest, lowest] = [brokenLevels[0], brokenLevels.at(-1)];
    const levels =
      highest === undefined
        ? "estimates finite"
        : `estimates not finite at noise levels ${short(lowest!)} to ${short(highest)}`;
    return `${network}: ${weight}${levels}`;
  }
  const [first, ...others] = findings.filter((one) => one.worst);
  if (!first) return "no network to examine";
  const { network, worst } = others.reduce((a, b) => (a.worst!.loss >= b.worst!.loss ? a : b), first);
  return `all networks are finite; the worst is the ${network} at noise level ${short(worst!.sigma)}, loss ${short(worst!.loss)}`;
}

function levelsOf(
  denoiser: DenoiserModule,
  { facts, device }: ExaminedKind,
): { sigma: number; loss: number }[] {
  return noGrad(() =>
    scope(() => {
      const generator = new Generator(0, device);
      const { sampleShape, sigmaData, condition: shapes } = facts;
      const draw = () => randn([SAMPLES, ...sampleShape], { generator, device });
      const clean = draw().mul(sigmaData);
      const condition = nothingKnown(shapes, device);
      return sigmaSchedule({ steps: LEVELS }, denoiser)
        .slice(0, -1)
        .map((level) => {
          const sigma = full([SAMPLES], level, { device });
          const error = denoiser
            .denoise(clean.add(draw().mul(level)), sigma, condition)
            .sub(clean)
            .square();
          const weight = perSample(denoisingWeight(sigma, sigmaData), clean.ndim);
          return { sigma: level, loss: error.mul(weight).mean().item() };
        });
    }),
  );
}

/** Zeros as a condition; `undefined` for an unconditional model. */
function nothingKnown(shapes: ConditionShapes, device: Device): Condition | undefined {
  const entries = Object.entries(shapes);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([name, shape]) => [name, zeros([SAMPLES, ...shape], { device })]));
}

function allFinite(tensor: Tensor): boolean {
  return scope(() => tensor.isfinite().all().item() !== 0);
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
