import { DisbackError } from "../../errors.js";
import { concurrently } from "../images/concurrently.js";
import { BrokenImageError, decodeFrames } from "../images/decode.js";
import { extensionOf } from "../images/kinds.js";
import { cropAndResample, toChannels } from "../images/resize.js";
import { StoredImages } from "../images/stored.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { folderClasses } from "./folder-classes.js";
import { filesOfFolder } from "./source-files.js";
import { selectSplit } from "./splits.js";

/** Files of moving pictures that are read. */
const endings = [".gif", ".webp"];

/**
 * Opens a folder of animated GIFs or WebPs as clips `[C, T, H, W]`: the first T frames of each, cropped to their centre
 * square and resampled. The folders they lie in are their classes, as for images.
 * @throws DisbackError naming the file that is no moving picture or has too few frames
 */
export async function openClips(
  path: string,
  name: string,
  options: ResolvedOptions & { frames: number },
): Promise<SampleSource> {
  const { frames, resolution: side, channels = 3, findings, split, skipBroken } = options;
  if (side === undefined) throw new DisbackError(`${path}: clips need a resolution to be brought to`);
  const files = await filesOfFolder(path, findings);
  const all = files.paths.filter((file) => endings.includes(extensionOf(file)));
  if (all.length === 0)
    throw new DisbackError(`${path} holds no clips: give a folder of animated GIFs or WebPs`);
  for (const file of files.paths)
    if (!all.includes(file)) findings.leaveOut(extensionOf(file) || "file without an ending", file);
  const chosen = selectSplit(all, split, files.where, findings);
  const { paths } = chosen;
  const size = frames * side * side;
  const pixels = new Uint8Array(paths.length * channels * size);
  const broken = new Set<number>();
  let done = 0;
  await concurrently(paths.length, async (index) => {
    const file = files.nameOf(paths[index]!);
    try {
      const pictures = await decodeFrames(await files.read(paths[index]!), file, frames);
      for (const [frame, picture] of pictures.entries()) {
        const { data } = toChannels(cropAndResample(picture, side), channels, file, true);
        for (let at = 0; at < data.length; at++) {
          const [pixel, channel] = [Math.floor(at / channels), at % channels];
          pixels[((index * channels + channel) * frames + frame) * side * side + pixel] = data[at]!;
        }
      }
    } catch (error) {
      if (!skipBroken || !(error instanceof BrokenImageError)) throw error;
      broken.add(index);
      options.onWarning?.(`left out: ${error.message}`);
    }
    await options.onProgress?.(++done, paths.length);
  });
  const good = paths.flatMap((_, index) => (broken.has(index) ? [] : [index]));
  if (good.length === 0) throw new DisbackError(`${path}: every clip in it is broken`);
  const labels = options.labels ? folderClasses(files, chosen, findings)?.select(good) : undefined;
  const each = channels * size;
  good.forEach((index, place) => {
    pixels.copyWithin(place * each, index * each, (index + 1) * each);
  });
  const kept = pixels.subarray(0, good.length * each);
  return new StoredImages(name, [channels, frames, side, side], kept, labels, []);
}
