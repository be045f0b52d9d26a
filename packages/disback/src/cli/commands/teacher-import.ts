import type { Device } from "@disback/torch";
import { type Command, InvalidArgumentError } from "commander";
import { shown } from "../../import/pickle/text-values.js";
import { type AutoencoderConfig, reduction } from "../../models/autoencoder/autoencoder-config.js";
import type { ImportedTeacher } from "../../runs/jobs/teacher-import.js";
import { addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";
import { whole } from "../whole-number.js";

interface ImportFlags extends OutputFlags {
  out: string;
  config?: string;
  ema?: string;
  autoencoder?: string;
  samples: number;
  steps: number;
  seed: number;
  device: string;
  threads?: number;
  force?: boolean;
}

/** `disback teacher import`. */
export function addTeacherImport(teacher: Command): void {
  const command = teacher
    .command("import")
    .argument(
      "<source>",
      "folder of diffusers, EDM pickle (.pkl), PyTorch checkpoint (.pt, .pth, .ckpt, .bin), safetensors",
    )
    .description("Turn someone else's model into a model folder. Nothing in the file is run.")
    .requiredOption("--out <folder>", "model folder to be made")
    .option("--config <file>", "what weights alone do not tell: a config.json, or the original's flags")
    .option("--ema <key>", "which network, if the file holds several")
    .option("--autoencoder <folder>", "what its samples are latents of, if the file does not hold it")
    .option("--samples <n>", "samples drawn to check; 0 for none", whole(0), 16)
    .option("--steps <n>", "sampler steps of each", whole(1), 18)
    .option("--seed <n>", "random seed", whole(0), 0)
    .option("--device <name>", "cpu, cuda or cuda:<number>", deviceName, "cpu")
    .option("--threads <n>", "CPU threads", whole(1))
    .option("--force", "set aside what is at --out (it is renamed, not deleted)");
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  disback teacher import edm-cifar10-32x32-uncond-vp.pkl --out teachers/cifar10
  disback teacher import google/ddpm-cifar10-32 --out teachers/ddpm
  disback teacher import weights.pt --config config.json --out teachers/mine
`,
    )
    .action(async (source: string) => {
      const flags = command.opts<ImportFlags>();
      const terminal = new Terminal(flags);
      const [{ importTeacher }, { setNumThreads }] = await Promise.all([
        import("../../runs/jobs/teacher-import.js"),
        import("@disback/torch"),
      ]);
      if (flags.threads !== undefined) setNumThreads(flags.threads);
      const imported = await importTeacher(source, {
        ...flags,
        device: flags.device as Device,
        force: flags.force ?? false,
        progress: await terminal.progress(),
      });
      const facts = factsOf(imported);
      const width = Math.max(...facts.map(([name]) => name.length));
      const lines = facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
      terminal.result({ source, ...imported }, [`${source}: ${imported.format}`, ...lines].join("\n"));
    });
}

/** What was found, in the order it is shown. */
function factsOf(imported: ImportedTeacher): [name: string, value: string][] {
  const { config, autoencoder, className, key, others, prefix, ignored, notes, parameters, folder, grid } =
    imported;
  const size =
    config.network === "mlp"
      ? `${config.dimension} dimensions`
      : `${config.imageChannels} x ${config.imageResolution} x ${config.imageResolution}`;
  return [
    ["network", `${config.network}, ${config.preconditioning}${className ? ` (${className})` : ""}`],
    ["samples", `${size}, ${config.labelDim > 0 ? `${config.labelDim} classes` : "unconditional"}`],
    ...scheduleOf(imported),
    ...(autoencoder ? [["autoencoder", describeAutoencoder(autoencoder)] as [string, string]] : []),
    ["parameters", parameters.toLocaleString("en")],
    ...(key === "" ? [] : [["weights", `"${shown(key)}"`] as [string, string]]),
    ...(others.length === 0 ? [] : [["left out", others.map(shown).join(", ")] as [string, string]]),
    ...(prefix === "" ? [] : [["key prefix", shown(prefix)] as [string, string]]),
    ...(ignored === 0 ? [] : [["other tensors", `${ignored} left out`] as [string, string]]),
    ...notes.map((note): [string, string] => ["note", note]),
    ["model", folder],
    ...(grid ? [["look at", grid] as [string, string]] : []),
  ];
}

/** What the samples are latents of. */
function describeAutoencoder(config: AutoencoderConfig): string {
  const { imageChannels, latentChannels, scalingFactor } = config;
  const channels = `${latentChannels} channels to images of ${imageChannels}, ${reduction(config)} times larger`;
  const kind = config.autoencoder === "kl" ? "AutoencoderKL" : `VQModel of ${config.codebookSize} vectors`;
  return `${channels} (${kind}, scaling factor ${[scalingFactor].flat().join(", ")})`;
}

/** What a network of diffusers was trained to estimate, and at which levels. */
function scheduleOf({ config, sigmaRange }: ImportedTeacher): [name: string, value: string][] {
  if (config.preconditioning !== "discrete") return [];
  const rule = config.betas ? "betas of its own" : (config.betaSchedule ?? "linear");
  const steps = config.betas?.length ?? config.timesteps ?? 1000;
  return [
    ["predicts", config.prediction ?? "epsilon"],
    [
      "schedule",
      `${rule}, ${steps} steps${config.zeroTerminalSnr ? ", stretched to no signal at its end" : ""}`,
    ],
    ["noise levels", sigmaRange.map((sigma) => sigma.toPrecision(3)).join(" to ")],
  ];
}

function deviceName(text: string): string {
  if (!/^(cpu|cuda(:\d+)?)$/.test(text))
    throw new InvalidArgumentError("It must be cpu, cuda or cuda:<number>.");
  return text;
}
