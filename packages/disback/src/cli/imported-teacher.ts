import { shown } from "../import/pickle/text-values.js";
import { type AutoencoderConfig, reduction } from "../models/autoencoder/autoencoder-config.js";
import { sampleShape } from "../models/config.js";
import type { ImportedTeacher } from "../runs/jobs/teacher-import.js";

/** The findings in display order. */
export function factsOf(imported: ImportedTeacher): [name: string, value: string][] {
  const { config, autoencoder, className, key, others, prefix, ignored, notes, parameters, folder, grid } =
    imported;
  const size =
    config.network === "mlp"
      ? `${config.dimension} dimensions`
      : config.network === "text-transformer"
        ? `${config.textLength} letters`
        : sampleShape(config).join(" x ");
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

/** The autoencoder of a latent model. */
function describeAutoencoder(config: AutoencoderConfig): string {
  const { imageChannels, latentChannels, scalingFactor } = config;
  const channels = `${latentChannels} channels to images of ${imageChannels}, ${reduction(config)} times larger`;
  const kinds = { kl: "AutoencoderKL", tiny: "AutoencoderTiny", vq: "VQModel", wan: "AutoencoderKLWan" };
  const vectors = config.autoencoder === "vq" ? ` of ${config.codebookSize} vectors` : "";
  return `${channels} (${kinds[config.autoencoder]}${vectors}, scaling factor ${[scalingFactor].flat().join(", ")})`;
}

/** What a network from diffusers estimates, and at which noise levels. */
function scheduleOf({ config, sigmaRange }: ImportedTeacher): [name: string, value: string][] {
  if (config.preconditioning !== "discrete") return [];
  const rule = config.betas ? "its own betas" : (config.betaSchedule ?? "linear");
  const steps = config.betas?.length ?? config.timesteps ?? 1000;
  return [
    ["predicts", config.prediction ?? "epsilon"],
    [
      "schedule",
      `${rule}, ${steps} steps${config.zeroTerminalSnr ? ", rescaled to pure noise at its end" : ""}`,
    ],
    ["noise levels", sigmaRange.map((sigma) => sigma.toPrecision(3)).join(" to ")],
  ];
}
