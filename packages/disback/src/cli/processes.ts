import type { Device } from "@disback/torch";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { type Progress, silent } from "../runs/progress.js";
import type { Processes } from "../training/processes.js";
import { launch } from "./launch.js";
import { whole } from "./whole-number.js";

/** Values of the flags for several processes. They change no result and are no settings: a run may go on with others. */
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
        "train in so many processes on this machine; elsewhere torchrun and other launchers start them",
      ).argParser(whole(1)),
    )
    .addOption(
      option(
        "--process-timeout <seconds>",
        "how long a process may be gone or hang before all end; 300 when not given",
      ).argParser(whole(1)),
    )
    .addOption(
      option("--shard-optimizer", "each process keeps its part of Adam's moments only: less memory"),
    );
}

/**
 * Joins the processes that a launcher started, of which this is one.
 *
 * @returns `undefined` if this process has started some itself, as `--processes` says, and their work is done
 * @throws UsageError naming the flag or the variable that is wrong
 */
export async function joinProcesses(flags: ProcessFlags, device: string): Promise<Processes | undefined> {
  const { processes: count = 1, processTimeout: timeoutSeconds = 300, shardOptimizer = false } = flags;
  const isMember = process.env.WORLD_SIZE !== undefined;
  if (isMember && flags.processes !== undefined)
    throw new UsageError("--processes: a launcher has set WORLD_SIZE, and starts the processes itself");
  if ((isMember || count > 1) && device.startsWith("cuda:"))
    throw new UsageError(`--device ${device}: of several processes each takes a GPU of its own; say cuda`);
  if (count > 1) {
    await launch(count);
    return undefined;
  }
  if (isMember && device === "cuda") chooseDevice();
  // Read when libtorch is loaded: its warnings of lost connections are stack traces; the error says it.
  if (isMember) process.env.TORCH_CPP_LOG_LEVEL ??= "ERROR";
  const [{ ProcessGroup }, { Processes }] = await Promise.all([
    import("@disback/torch"),
    import("../training/processes.js"),
  ]);
  return new Processes(ProcessGroup.fromEnvironment({ timeoutSeconds, device: device as Device }), {
    shardOptimizer,
  });
}

/** Each process of a host sees one of its GPUs. Before libtorch is loaded. */
function chooseDevice(): void {
  const { LOCAL_RANK: rank, CUDA_VISIBLE_DEVICES: visible } = process.env;
  if (rank === undefined) return;
  process.env.CUDA_VISIBLE_DEVICES = visible ? (visible.split(",")[Number(rank)] ?? "") : rank;
}

/** What the process that writes shows; the others are silent. */
export function progressOf(processes: Processes, progress: Progress): Progress {
  return processes.leads ? progress : silent;
}
