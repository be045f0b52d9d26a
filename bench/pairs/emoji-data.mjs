// Emoji as a data set of pictures in classes: 16 x 16 RGB, the class is the emoji's name in one word. And a classifier of them.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openDataset } from "disback/data";
import sharp from "sharp";
import { saveClassifier } from "../../packages/disback/dist/metrics/classifier-extractor.js";
import { trainClassifier } from "../../packages/disback/dist/metrics/classifier-training.js";

const side = 16;
const categories = ["Animals & Nature", "Food & Drink", "Activities", "Objects"];

/** Those with a name of three to six letters. */
export function oneWordEmoji(pictures) {
  const all = JSON.parse(readFileSync(join(pictures, "emoji.json"), "utf8"));
  return all
    .filter(({ has_img_google: there, category }) => there && categories.includes(category))
    .filter(({ short_name: word }) => /^[a-z]{3,6}$/.test(word))
    .map(({ image, short_name: word }) => ({ file: join(pictures, "img", "google", "64", image), word }));
}

/** A folder for each word with its emoji on black, as it is and mirrored. Does nothing if it is there. */
export async function writeEmoji(folder, emoji) {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const { file, word } of emoji) {
    mkdirSync(join(unfinished, word), { recursive: true });
    const small = sharp(file).flatten({ background: "black" }).resize(side, side);
    await small.clone().toFile(join(unfinished, word, "plain.png"));
    await small.flop().toFile(join(unfinished, word, "mirrored.png"));
  }
  renameSync(unfinished, folder);
  return folder;
}

/**
 * A classifier of these emoji, shifted by a pixel and mirrored in training.
 * @returns its folder, and how often it is right about the pictures it learned
 */
export async function emojiClassifier(folder, data, epochs) {
  if (!existsSync(folder)) {
    const dataset = await openDataset(data, { resolution: side, channels: 3, labels: true });
    const options = { train: dataset, test: dataset, epochs, batchSize: 64, seed: 0, horizontalFlips: true };
    const { classifier, accuracy } = await trainClassifier(options);
    saveClassifier(folder, classifier, {
      ...{ kind: "classifier-extractor", name: "emoji-16-classifier", dataset: "emoji of one word" },
      ...{
        resolution: side,
        channels: 3,
        classes: dataset.labelDim,
        features: 64,
        seed: 0,
        epochs,
        accuracy,
      },
      date: new Date().toISOString().slice(0, 10),
    });
  }
  const { accuracy } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  return { folder, accuracy };
}
