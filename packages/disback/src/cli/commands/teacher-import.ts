import type { Device } from "@disback/torch";
import { type Command, InvalidArgumentError } from "commander";
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
    .requiredOption("--out <folder>", "output model folder")
    .option("--config <file>", "what the weights do not tell: a config.json, or the original's flags")
    .option("--ema <key>", "which network, if the file holds several")
    .option("--autoencoder <folder>", "autoencoder of a latent model, if the file does not contain it")
    .option("--samples <n>", "samples to draw as a check; 0 for none", whole(0), 16)
    .option("--steps <n>", "sampler steps per sample", whole(1), 18)
    .option("--seed <n>", "random seed", whole(0), 0)
    .option("--device <name>", "cpu, cuda or cuda:<number>", deviceName, "cpu")
    .option("--threads <n>", "CPU threads", whole(1))
    .option("--force", "replace what is at --out (the old one is renamed, not deleted)");
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  disback teacher import edm-cifar10-32x32-uncond-vp.pkl --out teachers/cifar10
  disback teacher import ddpm-cifar10-32/ --out teachers/ddpm          a folder of diffusers that was downloaded
  disback teacher import weights.pt --config config.json --out teachers/mine
`,
    )
    .action(async (source: string) => {
      const flags = command.opts<ImportFlags>();
      const terminal = new Terminal(flags);
      const [{ importTeacher }, { setNumThreads }, { factsOf }] = await Promise.all([
        import("../../runs/jobs/teacher-import.js"),
        import("@disback/torch"),
        import("../imported-teacher.js"),
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

function deviceName(text: string): string {
  if (!/^(cpu|cuda(:\d+)?)$/.test(text))
    throw new InvalidArgumentError("It must be cpu, cuda or cuda:<number>.");
  return text;
}
