import type { Device } from "@disback/torch";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { type Progress, silent } from "../runs/progress.js";
import type { Processes } from "../training/processes.js";
import { launch } from "./launch.js";
import { whole } from "./whole-number.js";

/**
 * Values of the flags for several processes. They are not settings, because they change no result: a run may be resumed
 * with other values.
 */
export interface ProcessFlags {
  processes?: number;
  processTimeout?: number;
  shardOptimizer?: boolean;
}

/** Flags of commands that train. */
export function addProcessFlags(command: Command): Command {
  const option = (flags: string, description: string) =>
    command.createOption(flags, description).helpGroup("Several processes:");
  return command
    .addOption(
      option(
        "--processes <n>",
        "number of training processes on this machine; for several machines use torchrun or another launcher",
      ).argParser(whole(1)),
    )
    .addOption(
      option(
        "--process-timeout <seconds>",
        "seconds after which a missing or hanging process ends all; default 300",
      ).argParser(whole(1)),
    )
    .addOption(
      option("--shard-optimizer", "each process keeps only its part of Adam's moments: less memory"),
    );
}

/**
 * Joins the processes that a launcher started.
 *
 * @returns `undefined` if this process started others because of `--processes`, and their work is done
 * @throws UsageError naming the flag or the variable that is wrong
 */
export async function joinProcesses(flags: ProcessFlags, device: string): Promise<Processes | undefined> {
  const { processes: count = 1, processTimeout: timeoutSeconds = 300, shardOptimizer = false } = flags;
  const isMember = process.env.WORLD_SIZE !== undefined;
  if (isMember && flags.processes !== undefined)
    throw new UsageError(
      "--processes: not with a launcher, which has set WORLD_SIZE and starts the processes itself",
    );
  if ((isMember || count > 1) && device.startsWith("cuda:"))
    throw new UsageError(
      `--device ${device}: each of several processes takes its own GPU; use --device cuda`,
    );
  if (count > 1) {
    await launch(count);
    return undefined;
  }
  if (isMember && device === "cuda") chooseDevice();
  // Read when libtorch is loaded. Hides its warnings of lost connections, which are stack traces; our error is enough.
  if (isMember) process.env.TORCH_CPP_LOG_LEVEL ??= "ERROR";
  const [{ ProcessGroup }, { Processes }] = await Promise.all([
    import("@disback/torch"),
    import("../training/processes.js"),
  ]);
  return new Processes(ProcessGroup.fromEnvironment({ timeoutSeconds, device: device as Device }), {
    shardOptimizer,
  });
}

/** Each process of a host sees one GPU. Must be set before libtorch is loaded. */
function chooseDevice(): void {
  const { LOCAL_RANK: rank, CUDA_VISIBLE_DEVICES: visible } = process.env;
  if (rank === undefined) return;
  process.env.CUDA_VISIBLE_DEVICES = visible ? (visible.split(",")[Number(rank)] ?? "") : rank;
}

/** The terminal of the process that writes; the others are silent. */
export function progressOf(processes: Processes, progress: Progress): Progress {
  return processes.leads ? progress : silent;
}
