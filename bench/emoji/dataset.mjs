// Emoji as a data set of pictures with captions: 32 x 32 RGB on white, and a metadata.jsonl.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** Left out: people (skin tones), flags, signs: most of them differ in details that 32 x 32 pixels do not show. */
const categories = ["Smileys & Emotion", "Animals & Nature", "Food & Drink", "Activities"];
/** Newer ones are left out: an hour on one core is not enough for more. */
const newest = 3;
const side = 32;

/** Twenty names, chosen before the first training, that every picture in docs shows. */
export const fixedNames = [
  ...["smiling face with heart eyes", "face with tears of joy", "angry face", "sleeping face", "ghost"],
  ...["red heart", "smiling cat with heart eyes", "dog face", "panda", "frog"],
  ...["butterfly", "octopus", "sunflower", "cactus", "red apple"],
  ...["banana", "pizza", "hamburger", "soccer ball", "jack o lantern"],
];

/** The emoji that are learned: picture, name, and other words for it. */
export function readEmoji({ pictures, keywords }) {
  const words = JSON.parse(readFileSync(join(keywords, "dist", "emoji-en-US.json"), "utf8"));
  const all = JSON.parse(readFileSync(join(pictures, "emoji.json"), "utf8"));
  return all
    .filter(({ has_img_google: there }) => there)
    .filter(({ category, added_in: since }) => categories.includes(category) && Number(since) <= newest)
    .map(({ image, name, short_names: aliases, unified }) => {
      const character = String.fromCodePoint(...unified.split("-").map((code) => Number.parseInt(code, 16)));
      const [first, ...others] = words[character] ?? words[character.replace("\ufe0f", "")] ?? [name];
      return {
        file: join(pictures, "img", "google", "64", image),
        name: plain(first),
        aliases: [...new Set([name, ...aliases].map(plain))],
        keywords: [...new Set(others.map(plain))].filter(Boolean),
      };
    });
}

/**
 * Writes the data set unless it is there. Each picture stands there several times, three times with its name and with
 * other captions: the standard's name, an alias, both names without some words, one or two keywords.
 */
export async function writeDataset(folder, emoji) {
  if (existsSync(folder)) return;
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const random = uniform(1);
  const rows = [];
  for (const [index, one] of emoji.entries()) {
    const png = await shrunk(one.file);
    for (const [place, text] of captions(one, random).entries()) {
      const name = `${String(index).padStart(4, "0")}-${place}.png`;
      writeFileSync(join(unfinished, name), png);
      rows.push(JSON.stringify({ file_name: name, text }));
    }
  }
  writeFileSync(join(unfinished, "metadata.jsonl"), `${rows.join("\n")}\n`);
  renameSync(unfinished, folder);
}

function captions({ name, aliases, keywords }, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const fewer = (text) => {
    const words = text.split(" ");
    const kept = words.filter(() => random() > 0.3);
    return kept.length > 0 ? kept.join(" ") : pick(words);
  };
  const few = keywords.length > 0 ? [...new Set([pick(keywords), pick(keywords)])].join(" ") : name;
  return [name, name, name, aliases[0], pick(aliases), fewer(name), fewer(aliases[0]), few];
}

/** Halved by averaging squares of 2 x 2 pixels, on white. */
async function shrunk(file) {
  const { data, info } = await sharp(file)
    .flatten({ background: "white" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== 2 * side || info.height !== 2 * side || info.channels !== 3)
    throw new Error(`${file}: expected ${2 * side} x ${2 * side} pixels`);
  const result = Buffer.alloc(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let channel = 0; channel < 3; channel++) {
        const at = (row, column) => data[((2 * y + row) * 2 * side + 2 * x + column) * 3 + channel];
        result[(y * side + x) * 3 + channel] = Math.round((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4);
      }
  return sharp(result, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

function plain(text) {
  return text.toLowerCase().replace(/[_-]+/g, " ").trim();
}

/** mulberry32: the same captions on every machine. */
function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
