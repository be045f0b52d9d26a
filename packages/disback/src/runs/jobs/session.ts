import type { Device, Module } from "@disback/torch";
import { describeFindings, type ExaminedKind, examineNetworks } from "../../distill/examine-networks.js";
import type { Execution } from "../../training/execution.js";
import type { RecordSettings } from "../settings/distillation.js";
import type { RunSession } from "../stage.js";
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
export function examination(networks: Readonly<Record<string, Module>>, like: ExaminedKind): string {
  return describeFindings(examineNetworks(networks, like));
}

/** How a run's settings say that its trainings are carried out. */
export function executionOf(
  { seed, microBatch, cudaGraphs }: { seed: number; microBatch?: number | undefined; cudaGraphs?: boolean },
  { processes }: JobContext,
): Execution {
  return { seed, microBatch, processes, capture: cudaGraphs ?? false };
}
