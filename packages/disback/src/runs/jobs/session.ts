import type { Device, Module } from "@disback/torch";
import { describeFindings, type ExaminedKind, examineNetworks } from "../../distill/examine-networks.js";
import type { Execution } from "../../training/execution.js";
import type { RecordSettings } from "../settings/distillation.js";
import type { RunSession } from "../stage.js";
import type { JobContext } from "./job.js";

/** Options of a run besides training, from its settings. The stage adds what came before it. */
export function sessionOf(
  settings: Pick<
    RecordSettings,
    "device" | "checkpoints" | "onDivergence" | "rollbackFactor" | "tensorboard"
  >,
  { run, progress, interruption, processes, rehearsal }: JobContext,
): Omit<RunSession, "iterationsBefore" | "secondsBefore"> {
  const { checkpoints, onDivergence, rollbackFactor, tensorboard } = settings;
  const divergence = { action: onDivergence, factor: rollbackFactor };
  const device = settings.device as Device;
  return { run, progress, interruption, processes, checkpoints, divergence, tensorboard, device, rehearsal };
}

/** One line that says which network failed, and at which noise levels. */
export function examination(networks: Readonly<Record<string, Module>>, like: ExaminedKind): string {
  return describeFindings(examineNetworks(networks, like));
}

/** The execution options of a run's trainings, from its settings. */
export function executionOf(
  { seed, microBatch, cudaGraphs }: { seed: number; microBatch?: number | undefined; cudaGraphs?: boolean },
  { processes }: JobContext,
): Execution {
  return { seed, microBatch, processes, capture: cudaGraphs || undefined };
}
