import { type Command, Option } from "commander";
import type { ExportFormatName } from "../../export/formats.js";
import type { Precision } from "../../export/onnx/export-onnx.js";
import { PIPELINE_FLAGS, type PipelineFlags } from "../flag-groups.js";
import { addFlags, addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";
import { whole } from "../whole-number.js";

interface ExportFlags extends OutputFlags, PipelineFlags {
  format: ExportFormatName;
  precision: Precision;
  out: string;
  threads?: number;
  webgpu?: boolean;
  teacher?: string | boolean;
  decoder?: string;
  force?: boolean;
}

const formats: readonly ExportFormatName[] = ["safetensors", "edm", "diffusers", "onnx", "web", "lora"];
const precisions: readonly Precision[] = ["f32", "f16", "int8"];

/** `disback export`. */
export function addExport(program: Command): void {
  const command = program
    .command("export")
    .argument("<model>", "model folder, run, shipped name, or your own module (.mjs)")
    .description("Write a student or a teacher in a format that others read.")
    .addOption(
      new Option(
        "--format <name>",
        "safetensors: weights; edm: a network pickle for NVlabs/edm; diffusers: a folder for diffusers; onnx: a file for ONNX Runtime; web: a page that generates in the browser; lora: a student's adapters for diffusers and ComfyUI",
      )
        .choices(formats)
        .makeOptionMandatory(),
    )
    .requiredOption("--out <path>", "output file or folder")
    .addOption(
      new Option(
        "--precision <name>",
        "precision of an ONNX network, a LoRA or a folder for diffusers: f32, f16 (half the size), int8 (ONNX alone, a quarter)",
      )
        .choices(precisions)
        .default("f32"),
    )
    .option("--teacher <model>", "web: teacher to race against the student; default the run's own")
    .option("--no-teacher", "web: no race")
    .option(
      "--decoder <folder>",
      "onnx, web: another decoder for a model of latents, such as a tiny one made here, or of diffusers",
    )
    .option("--webgpu", "web: include WebGPU for a small model too; loads 6.6 MB instead of 3.7 MB")
    .option("--threads <n>", "CPU threads", whole(1))
    .option("--force", "replace what is at --out (the old one is renamed, not deleted)");
  addOutputFlags(addFlags(command, PIPELINE_FLAGS))
    .addHelpText(
      "after",
      `
Examples:
  disback export runs/demo --format onnx --out student.onnx
  disback export runs/demo --format onnx --precision f16 --out student-f16.onnx
  disback export emoji --format web --out site
  disback export fashion-mnist-32 --format onnx --out denoiser.onnx
  disback export fashion-mnist-32 --format edm --out fashion-mnist.pkl
  disback export runs/adapters --format lora --precision f16 --out lora
  disback export runs/adapters --format diffusers --precision f16 --out pipeline
  disback export teachers/ddpm --format diffusers --out ddpm
  disback export runs/latent --format web --decoder runs/decoder --out site
  disback export runs/decoder --format diffusers --out tiny
`,
    )
    .action(async (model: string) => {
      const flags = command.opts<ExportFlags>();
      const terminal = new Terminal(flags);
      const [{ exportModel }, { pipelineChoiceOf }, { setNumThreads }] = await Promise.all([
        import("../../runs/jobs/exporting.js"),
        import("../../runs/pipeline-choice.js"),
        import("@disback/torch"),
      ]);
      if (flags.threads !== undefined) setNumThreads(flags.threads);
      const { teacher, lora, tokenizer, prediction, ...others } = flags;
      const { kind, facts, figures } = await exportModel(model, {
        ...others,
        pipeline: pipelineChoiceOf({ lora, tokenizer, prediction }),
        // True without the flags.
        ...(teacher === true || teacher === undefined ? {} : { teacher }),
        force: flags.force ?? false,
        progress: await terminal.progress(),
      });
      const width = Math.max(...facts.map(([name]) => name.length));
      const lines = facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
      terminal.result(
        { model, kind, format: flags.format, out: flags.out, ...figures },
        [`${flags.out}: ${kind} as ${flags.format}`, ...lines].join("\n"),
      );
    });
}
