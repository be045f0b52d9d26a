// The README's picture from a finished demo run: the student's samples at the start and at the end, and the teacher's.
// node bench/readme-picture.mjs runs/demo docs/images/demo.png
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const [run = "runs/demo", out = "docs/images/demo.png"] = process.argv.slice(2);
const { result } = JSON.parse(readFileSync(join(run, "run.json"), "utf8"));
const fids = readFileSync(join(run, "metrics.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line).fid)
  .filter((value) => value !== undefined);
const students = readdirSync(join(run, "samples"))
  .filter((name) => name.startsWith("backtrack-"))
  .sort();
const fid = (value) => (value === undefined ? "" : `, FID ${value.toFixed(1)}`);
const panels = [
  [students[0], `before: one step${fid(fids[0])}`],
  [students.at(-1), `student: one step${fid(fids.at(-1))}`],
  ["reference.png", `teacher: 35 evaluations${fid(result.teacherFid)}`],
];

const side = 400;
const gap = 16;
const caption = 34;
const pictures = await Promise.all(
  panels.map(([name]) =>
    sharp(join(run, "samples", name))
      .resize(side, side, { fit: "fill" })
      .toBuffer(),
  ),
);
const width = panels.length * (side + gap) + gap;
const height = side + caption + 2 * gap;
const text = panels
  .map(
    ([, label], i) =>
      `<text x="${gap + i * (side + gap) + side / 2}" y="${gap + 22}" text-anchor="middle">${label}</text>`,
  )
  .join("");
const labels = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g font-family="DejaVu Sans, sans-serif" font-size="19" fill="#222">${text}</g></svg>`;
await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
  .composite([
    { input: Buffer.from(labels), left: 0, top: 0 },
    ...pictures.map((input, i) => ({ input, left: gap + i * (side + gap), top: gap + caption })),
  ])
  .png({ palette: true })
  .toFile(out);
console.log(out);
