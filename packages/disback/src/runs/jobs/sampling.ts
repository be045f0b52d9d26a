import { existsSync, readdirSync, statSync } from "node:fs";
import { cat, type Device, type Tensor } from "@disback/torch";
import { writeNpz } from "../../data/output/npz.js";
import { DisbackError, UsageError } from "../../errors.js";
import { pipelineChoiceOf } from "../pipeline-choice.js";
import type { Progress } from "../progress.js";
import { promptsFrom } from "../prompts.js";
import { openDrawer } from "../sample-drawer.js";
import type { SampleSettings } from "../settings/sampling.js";

/** The result of `disback sample`. */
export interface DrawnSamples {
  path: string;
  count: number;
  /** Network evaluations per sample. */
  evaluations: number;
  /** Samples per second, without writing. */
  rate: number;
}

/** Draws samples from a model and writes them as a picture, an `.npz` or a folder of PNGs. */
export async function drawSamples(
  settings: SampleSettings,
  options: { out: string; force: boolean; progress: Progress },
): Promise<DrawnSamples> {
  const { out, progress } = options;
  const count = settings.count ?? (settings.prompt === undefined ? 64 : 1);
  const kind = outputKind(out);
  refuseOverwriting(out, options.force);
  const prompts = await promptsFrom(settings);
  const drawer = await openDrawer(settings.model, {
    ...settings,
    prompts,
    device: settings.device as Device,
    pipeline: pipelineChoiceOf(settings),
  });
  for (const line of drawer.unread) progress.notice(line);
  const { kind: samples } = drawer;
  if (kind === "folder" && !samples.writeEach) {
    throw new DisbackError(`${out}: these samples are ${samples.name}; give a .png or .npz`);
  }
  const batches: Tensor[] = [];
  const labels: number[] = [];
  const captions: string[] = [];
  let seconds = 0;
  progress.start("sampling", count, 0, "samples");
  for (let done = 0; done < count; ) {
    const size = Math.min(settings.batchSize, count - done);
    const began = performance.now();
    const batch = await drawer.drawInParts(size, async (part) => {
      progress.update(done + part, {});
      // Ctrl-C arrives only here: nothing does while libtorch computes.
      await new Promise(setImmediate);
    });
    seconds += (performance.now() - began) / 1000;
    if (batch.labels) labels.push(...batch.labels);
    if (batch.prompts) captions.push(...batch.prompts);
    if (kind === "folder") {
      await samples.writeEach!(out, batch.samples, done);
      batch.samples.dispose();
    } else {
      batches.push(batch.samples.cpu());
    }
    done += size;
  }
  progress.finish();
  if (kind === "npz") {
    const { values = false } = samples;
    await writeNpz(out, cat(batches), labels.length > 0 ? labels : undefined, { values });
  }
  if (kind === "png") {
    const below = captions.length > 0 ? { captions } : {};
    await samples.draw(out, cat(batches), { columns: settings.columns, ...below });
  }
  return {
    path: out,
    count,
    evaluations: drawer.evaluations,
    rate: count / seconds,
  };
}

function outputKind(out: string): "png" | "npz" | "folder" {
  if (/\.png$/i.test(out)) return "png";
  if (/\.npz$/i.test(out)) return "npz";
  const extension = /\.\w{2,4}$/.exec(out)?.[0];
  if (extension)
    throw new UsageError(`--out ${out}: "${extension}" is not known; use .png, .npz or a folder`);
  return "folder";
}

function refuseOverwriting(out: string, force: boolean): void {
  if (force || !existsSync(out)) return;
  if (statSync(out).isDirectory() && readdirSync(out).length === 0) return;
  throw new DisbackError(`${out}: already there; choose another place or give --force`);
}
