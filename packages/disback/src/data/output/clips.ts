import { join } from "node:path";
import { scope, type Tensor } from "@disback/torch";
import sharp from "sharp";
import { joinPngs } from "./apng.js";
import { type GridOptions, gridPng } from "./grid.js";
import { replaceFile } from "./replace-file.js";
import { toUint8Images } from "./uint8-images.js";

/** How long a frame is shown, in milliseconds. */
const delay = 120;

/**
 * Writes clips as one animated picture that repeats for ever: a grid of all of them.
 * @param path ends in .gif for a GIF; else it becomes an animated PNG
 * @param samples `[N, C, T, H, W]` in [-1, 1]
 * @throws DisbackError naming the file if it cannot be written
 */
export async function writeClips(path: string, samples: Tensor, options: GridOptions = {}): Promise<void> {
  const frames: Buffer[] = [];
  for (let frame = 0; frame < samples.shape[2]!; frame++)
    frames.push(
      await gridPng(
        scope(() => toUint8Images(samples.select(2, frame))),
        options,
      ),
    );
  await writeFrames(path, frames);
}

/**
 * Writes pictures as one that moves and repeats for ever; a single one does not move.
 * @param path as of `writeClips`
 * @param frames PNG files of one size
 */
export async function writeFrames(path: string, frames: readonly Buffer[]): Promise<void> {
  const whole = () => (frames.length === 1 ? frames[0]! : joinPngs(frames, delay));
  await replaceFile(path, [/\.gif$/i.test(path) ? await asGif(frames) : whole()]);
}

/**
 * Writes each clip as `000000.gif`, `000001.gif`, ….
 * @param samples as of `writeClips`
 * @param first number of the first file
 */
export async function writeClipFolder(folder: string, samples: Tensor, first = 0): Promise<void> {
  for (let index = 0; index < samples.shape[0]!; index++) {
    const name = `${String(first + index).padStart(6, "0")}.gif`;
    using clip = scope(() => samples.narrow(0, index, 1).clone());
    await writeClips(join(folder, name), clip, { scale: 1, padding: 0 });
  }
}

async function asGif(frames: readonly Buffer[]): Promise<Buffer> {
  // Joined as grey, libvips takes their values for linear ones.
  const coloured = await Promise.all(
    frames.map((frame) => sharp(frame).toColourspace("srgb").png().toBuffer()),
  );
  return sharp(coloured, { join: { animated: true } })
    .gif({ loop: 0, delay: frames.map(() => delay), effort: 10, dither: 0 })
    .toBuffer();
}
