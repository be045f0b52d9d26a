/**
 * Imports the pickles and folders made by make.py and compares their outputs with the original's: one line of JSON each.
 *
 *     node check.mjs FOLDER
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { noGrad, readSafetensors, setNumThreads } from "@disback/torch";
import { readTeacher } from "../../packages/disback/dist/import/read-teacher.js";

setNumThreads(1);
const folder = process.argv[2];
if (!folder) throw new Error("usage: node check.mjs FOLDER");
for (const expectation of readdirSync(folder).filter((name) => name.endsWith(".safetensors"))) {
  const name = expectation.replace(/\.safetensors$/, "");
  const file = [`${name}.pkl`, `${name}.pt`].find((one) => existsSync(join(folder, one))) ?? name;
  const flags = join(folder, `${name}.txt`);
  const path = join(folder, file);
  const began = performance.now();
  const { denoiser, autoencoder, config, parameters } = await readTeacher(
    path,
    existsSync(flags) ? { config: flags } : {},
  );
  const seconds = (performance.now() - began) / 1000;
  const { tensors } = readSafetensors(join(folder, expectation));
  const output = noGrad(() =>
    denoiser.denoise(tensors.get("x"), tensors.get("sigma"), tensors.get("labels")),
  );
  denoiser.dispose();
  console.log(
    JSON.stringify({
      file,
      network: config.network,
      parameters,
      megabytes: Math.round(bytesOf(path) / 1e6),
      seconds: Number(seconds.toFixed(2)),
      peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1e3),
      relativeError: relativeError(output, tensors.get("output")),
      ...(autoencoder
        ? { decodedError: relativeError(autoencoder.decode(tensors.get("latents")), tensors.get("images")) }
        : {}),
    }),
  );
  autoencoder?.dispose();
}

function relativeError(output, expected) {
  const error = output.sub(expected).abs().max().item() / expected.abs().max().item();
  return Number(error.toExponential(1));
}

function bytesOf(path) {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}
