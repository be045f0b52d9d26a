#!/usr/bin/env node
// Puts what bench/emoji.mjs trained into this package: the teacher and its students, weights as float16.
//
//   node scripts/ship-emoji.mjs --from ../../bench/emoji/work/full
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadModel, saveModel } from "disback/models";
import sharp from "sharp";

const { values } = parseArgs({
  options: {
    from: {
      type: "string",
      default: fileURLToPath(new URL("../../../bench/emoji/work/full", import.meta.url)),
    },
  },
});
const assets = fileURLToPath(new URL("../assets", import.meta.url));
const licence = readFileSync(fileURLToPath(new URL("../LICENSE", import.meta.url)));
const notice = `Trained on pictures of Noto Emoji (https://github.com/googlefonts/noto-emoji), version 2.048, copyright Google LLC,
licensed under the Apache License, Version 2.0 (LICENSE beside this file), as they come in the npm package
emoji-datasource-google 16.0.0 (MIT, Cal Henderson), brought to 32 x 32 pixels on white; with names and keywords of the
npm package emojilib 4.0.3 (MIT, Mu-An Chiou). No picture of them is in this folder.
`;

const { prompts } = loadModel(join(values.from, "teacher/teacher")).config;

const pictures =
  "Pictures of 32 x 32 pixels that show what is typed: faces, hearts, animals, plants, food, sports.";
await ship(
  "teacher/teacher",
  "teachers/emoji-teacher",
  `${pictures} A diffusion model, drawn with guidance 2.`,
);
await ship("student/student", "students/emoji", `${pictures} One step; distilled from emoji-teacher.`);
await ship(
  "quarter-size-student/student",
  "students/emoji-small",
  `${pictures} One step, half the channels, a third of the weights; distilled from emoji-teacher.`,
);

async function ship(from, to, what) {
  const source = join(values.from, from);
  if (!existsSync(source)) return console.error(`${source} is not there: ${to} stays as it is`);
  const folder = join(assets, to);
  mkdirSync(folder, { recursive: true });
  // Students were trained with other words for the names, too; what is shown without a prompt are the names.
  const { denoiser, config } = loadModel(source, { prompts });
  saveModel(folder, denoiser, config, { precision: "f16" });
  if (to.startsWith("students/")) {
    const kind = JSON.parse(readFileSync(join(source, "generator.json"), "utf8"));
    const text = JSON.stringify({ ...kind, teacher: "emoji-teacher" }, null, 2);
    writeFileSync(join(folder, "generator.json"), `${text}\n`);
  }
  const grid = sharp(join(values.from, `${from.split("/")[0]}.png`)).png({ palette: true, colours: 64 });
  await grid.toFile(join(folder, "grid.png"));
  writeFileSync(join(folder, "README.md"), card(to.split("/")[1], what));
  writeFileSync(join(folder, "LICENSE"), licence);
  writeFileSync(join(folder, "NOTICE"), notice);
}

function card(name, what) {
  return `# ${name}

${what} Weights are float16. Trained by \`bench/emoji.mjs\`; figures are in docs/emoji.md and bench/results/emoji.json of the
repository. It reads English words of some 400 names and knows nothing else.

![Twenty names, chosen before the training](grid.png)

Licence of the weights: Apache-2.0, as the project. Trained on Noto Emoji: see NOTICE.
`;
}
