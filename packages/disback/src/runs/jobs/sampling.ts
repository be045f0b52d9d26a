import { existsSync, readdirSync, statSync } from "node:fs";
import { cat, type Device, type Tensor } from "@disback/torch";
import { writeNpz } from "../../data/output/npz.js";
import { DisbackError, UsageError } from "../../errors.js";
import { pipelineChoiceOf } from "../pipeline-choice.js";
import type { Progress } from "../progress.js";
import { promptsFrom } from "../prompts.js";
import { openDrawer } from "../sample-drawer.js";
import { writeTexts } from "../samples/texts.js";
import type { SampleSettings } from "../settings/sampling.js";

/** The result of `disback sample`. */
export interface DrawnSamples {
  /** absent if texts are only told */
  path?: string;
  /** the texts, if they are that and no place was given */
  texts?: string[];
  count: number;
  /** Network evaluations per sample. */
  evaluations: number;
  /** Samples per second, without writing. */
  rate: number;
}

/** Draws samples from a model and writes them as a picture, an `.npz` or a folder of files. */
export async function drawSamples(
  settings: SampleSettings,
  options: { out?: string | undefined; force: boolean; progress: Progress },
): Promise<DrawnSamples> {
  const { progress } = options;
  const count = settings.count ?? (settings.prompt === undefined ? 64 : 1);
  if (options.out !== undefined) requireFree(options.out, options.force);
  const prompts = await promptsFrom(settings);
  const drawer = await openDrawer(settings.model, {
    ...settings,
    prompts,
    device: settings.device as Device,
    pipeline: pipelineChoiceOf(settings),
  });
  for (const line of drawer.unread) progress.notice(line);
  const { kind: samples } = drawer;
  const out = options.out ?? (samples.toTerminal ? undefined : USUAL_OUT);
  if (options.out === undefined && out !== undefined) requireFree(out, options.force);
  const kind = out === undefined ? "told" : outputKind(out);
  if (kind === "folder" && !samples.writeEach) {
    const others = samples.texts ? ".txt, .png or .npz" : ".png or .npz";
    throw new DisbackError(`${out}: these samples are ${samples.name}; give a ${others}`);
  }
  if (kind === "txt" && !samples.texts)
    throw new DisbackError(`${out}: these samples are ${samples.name}, not texts; give a .png or .npz`);
  if (kind === "gif" && !samples.moving)
    throw new DisbackError(`${out}: these samples are ${samples.name}, which do not move; give a .png`);
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
      await samples.writeEach!(out!, batch.samples, done);
      batch.samples.dispose();
    } else {
      batches.push(batch.samples.cpu());
    }
    done += size;
  }
  progress.finish();
  if (kind === "npz") {
    const { values = false } = samples;
    await writeNpz(out!, cat(batches), labels.length > 0 ? labels : undefined, { values });
  }
  if (kind === "png" || kind === "gif") {
    const below = captions.length > 0 ? { captions } : {};
    await samples.draw(out!, cat(batches), { columns: settings.columns, ...below });
  }
  const texts = samples.texts && (kind === "txt" || kind === "told") ? samples.texts(cat(batches)) : [];
  if (kind === "txt") await writeTexts(out!, texts);
  return {
    ...(out === undefined ? { texts } : { path: out }),
    count,
    evaluations: drawer.evaluations,
    rate: count / seconds,
  };
}

const USUAL_OUT = "samples.png";

function outputKind(out: string): "png" | "gif" | "npz" | "txt" | "folder" {
  if (/\.png$/i.test(out)) return "png";
  if (/\.gif$/i.test(out)) return "gif";
  if (/\.npz$/i.test(out)) return "npz";
  if (/\.txt$/i.test(out)) return "txt";
  const extension = /\.\w{2,4}$/.exec(out)?.[0];
  if (extension)
    throw new UsageError(
      `--out ${out}: "${extension}" is not known; use .png, .gif (of videos), .npz, .txt (of texts) or a folder`,
    );
  return "folder";
}

/** @throws DisbackError if the kind of file is not known, or it is there already */
function requireFree(out: string, force: boolean): void {
  outputKind(out);
  if (force || !existsSync(out)) return;
  if (statSync(out).isDirectory() && readdirSync(out).length === 0) return;
  throw new DisbackError(`${out}: already there; choose another place or give --force`);
}
