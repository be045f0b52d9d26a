import type { Module } from "@disback/torch";
import { isPipelineFolder } from "../../import/pipeline/pipeline-folder.js";
import { promptStyle } from "../../import/pipeline/text-to-image-pipeline.js";
import {
  isSingleFile,
  isTextToImageSource,
  openTextToImage,
  type PipelineChoice,
} from "../../import/pipeline/text-to-image-source.js";
import { isCheckpointOfDiffusion } from "../../import/single-file/sections.js";
import { openTensorFile } from "../../import/tensors/tensor-file.js";
import type { Description } from "./description.js";

/** A text-to-image pipeline, with LoRAs if they are given. Nothing is drawn. */
export async function describePipeline(
  path: string,
  choice: PipelineChoice,
): Promise<Description | undefined> {
  if (!isTextToImageSource(path)) return undefined;
  // Other safetensors are described by their tensors, and unknown folders of diffusers are none of ours.
  if (isSingleFile(path) && !isCheckpointOfDiffusion((await openTensorFile(path)).keys())) return undefined;
  const pipeline = await openTextToImage(path, choice);
  const { network, autoencoder, schedule, className, unused } = pipeline;
  const { style, textChannels } = promptStyle(network);
  const [channels, ...sides] = network.sampleShape;
  const told = ["text", ...Object.keys(network.module.vectorShapes)];
  return {
    kind: isPipelineFolder(path)
      ? `text-to-${network.kind === "wan" ? "video" : "image"} pipeline, ${className}`
      : "text-to-image pipeline, a checkpoint in one file",
    facts: [
      ["network", `${network.kind}, ${count(network.module)} parameters, ${network.module.dtype}`],
      [
        "latents",
        sides.includes(null) ? `${channels} channels, any size` : `[${channels}, ${sides.join(", ")}]`,
      ],
      ["told", told.join(", ")],
      ["prompts", `${styles[style]}, ${textChannels} channels`],
      [
        "predicts",
        schedule.preconditioning === "discrete"
          ? `${schedule.prediction}, ${schedule.betas?.length ?? schedule.timesteps} steps`
          : "velocity (flow matching)",
      ],
      ["autoencoder", `${count(autoencoder)} parameters`],
      ...(choice.loras ?? []).map(({ path: file, weight }): [string, string] => [
        "LoRA",
        `${file}, weight ${weight}: fits`,
      ]),
      ...(unused.length > 0 ? [["not used", unused.join(", ")] as [string, string]] : []),
    ],
  };
}

const styles = {
  sd: "one CLIP",
  sdxl: "two CLIPs",
  sd3: "two CLIPs and T5",
  flux: "CLIP and T5",
  wan: "UMT5",
} as const;

function count(module: Module): string {
  return module
    .parameters()
    .reduce((sum, { numel }) => sum + numel, 0)
    .toLocaleString("en");
}
