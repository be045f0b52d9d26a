import type { Device } from "@disback/torch";
import { describeFindings, examineNetworks } from "../../distill/examine-networks.js";
import type { StudentGenerator } from "../../distill/student-generator.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import type { RecordSettings } from "../settings/distillation.js";
import type { RunSession } from "../train-loop.js";
import type { JobContext } from "./job.js";

/** What a run does beside training, as its settings say; the stage adds what was before it. */
export function sessionOf(
  settings: Pick<
    RecordSettings,
    "device" | "checkpoints" | "onDivergence" | "rollbackFactor" | "tensorboard"
  >,
  { run, progress, interruption, processes }: JobContext,
): Omit<RunSession, "iterationsBefore" | "secondsBefore"> {
  const { checkpoints, onDivergence, rollbackFactor, tensorboard } = settings;
  const divergence = { action: onDivergence, factor: rollbackFactor };
  const device = settings.device as Device;
  return { run, progress, interruption, processes, checkpoints, divergence, tensorboard, device };
}

/** Which of the networks is to blame, and at which noise levels, in one line. */
export function examination(
  networks: Readonly<Record<string, DenoiserModule>>,
  like: Pick<StudentGenerator, "sampleShape" | "labelDim" | "device">,
  sigmaData: number,
): string {
  return describeFindings(examineNetworks(networks, like, sigmaData));
}
