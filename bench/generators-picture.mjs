// The pictures of docs/generators.md: curves from bench/results/generators.json, and faces of the students that
// `generators.mjs --part faces` and `--part autoencoder` left in its folder of work (what was not run is left out).
//   node bench/generators-picture.mjs [--work FOLDER] [--python python3]
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, ops, randn, setNumThreads } from "@disback/torch";
import { openDataset, toUint8Images } from "disback/data";
import { loadAutoencoder, loadGenerator } from "disback/models";
import sharp from "sharp";
import { facesOf, openFaces } from "./generators/gan.mjs";

const { values: flags } = parseArgs({
  options: {
    work: { type: "string", default: fileURLToPath(new URL("generators/work/", import.meta.url)) },
    python: { type: "string", default: "python3" },
  },
});
setNumThreads(1);
const work = join(flags.work, "full");
const image = (name) => fileURLToPath(new URL(`../docs/images/${name}`, import.meta.url));

const { rows } = JSON.parse(readFileSync(new URL("results/generators.json", import.meta.url), "utf8"));
writeFileSync(image("generators-curves.svg"), curves(rows));
const { faces } = await openFaces({ python: flags.python, work });
await drawFaces();
await drawReconstructions();

/** Panels side by side: a figure against the student's steps, or processor seconds where methods cost differently; one line a run. */
function curves(rows) {
  const colours = {
    plain: "#777",
    start: "#c77700",
    path: "#0a6cbd",
    squares: "#777",
    "squares, adversarial": "#3a7d44",
    "adversarial alone": "#b03060",
  };
  const tenth = { part: "faces", student: "tenth" };
  const panels = [
    ["Fashion-MNIST, DCGAN: FID", "step", "fid", { part: "fashion", student: "dcgan 64" }],
    ["Eight Gaussians, MLP: distance", "step", "distance", { part: "gaussians" }],
    ["Faces' GAN, a tenth: FID", "seconds", "fid", tenth],
    ["Faces' GAN, a quarter: FID", "seconds", "fid", { ...tenth, student: "quarter" }],
  ].map(([title, along, figure, of]) => {
    const fits = (row) => row.curve && Object.entries(of).every(([key, value]) => row[key] === value);
    return { title, figure, along, lines: rows.filter((row) => fits(row) && along in row.curve[0]) };
  });
  const drawn = panels.filter(({ lines }) => lines.length > 0);
  const [width, height, left, top, bottom] = [300, 250, 46, 40, 64];
  const out = [
    `<svg aria-label="Curves of generators with and without a trajectory" role="img" xmlns="http://www.w3.org/2000/svg" width="${width * drawn.length}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width * drawn.length}" height="${height}" fill="white"/>`,
  ];
  for (const [place, { title, figure, along, lines }] of drawn.entries()) {
    const unit = along === "step" ? "steps" : along;
    const points = lines.flatMap(({ curve }) => curve);
    const most = Math.round(Math.max(...points.map((point) => point[along])));
    const values = points.map((point) => point[figure]);
    const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log);
    const x = (at) => place * width + left + (at / most) * (width - left - 16);
    const y = (value) => top + ((high - Math.log(value)) / (high - low)) * (height - top - bottom);
    const text = (px, py, words, more = "") =>
      `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" ${more}>${words}</text>`;
    out.push(text(x(0), 20, title, 'font-weight="bold" font-size="13"'));
    for (const value of ticks(Math.exp(low), Math.exp(high)))
      out.push(
        `<line x1="${x(0)}" x2="${x(most)}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#ddd"/>`,
        text(x(0) - 5, y(value) + 4, value, 'text-anchor="end"'),
      );
    for (const at of [0, most / 2, most]) {
      const [words, anchor] = at === most ? [`${at} ${unit}`, "end"] : [at, "middle"];
      out.push(text(x(at), height - bottom + 16, words, `text-anchor="${anchor}"`));
    }
    for (const { method, curve } of lines) {
      const path = curve.map((point) => `${x(point[along]).toFixed(1)},${y(point[figure]).toFixed(1)}`);
      out.push(
        `<polyline points="${path.join(" ")}" fill="none" stroke="${colours[method] ?? "#000"}" stroke-width="1.8"/>`,
      );
    }
    const methods = [...new Set(lines.map(({ method }) => method))];
    for (const [line, method] of methods.entries())
      out.push(
        text(
          x(0) + (line % 2) * 118,
          height - bottom + 34 + 14 * Math.floor(line / 2),
          method,
          `fill="${colours[method] ?? "#000"}" font-weight="bold"`,
        ),
      );
  }
  return `${out.join("\n")}\n</svg>\n`;
}

/** 1, 2 and 5 times powers of ten in a range. */
function ticks(low, high) {
  const found = [];
  for (let power = -3; power < 4; power++)
    for (const digit of [1, 2, 5]) {
      const value = Number((digit * 10 ** power).toPrecision(1));
      if (value >= low && value <= high) found.push(value);
    }
  return found;
}

/** One row of pictures from the same latents for the teacher and for each student. */
async function drawFaces() {
  const latents = randn([8, 100], { generator: new Generator(5) });
  const shown = [["the GAN, 3.58 M", facesOf(faces, latents)]];
  for (const [size, parameters] of Object.entries({ quarter: "1.1 M", tenth: "0.53 M" }))
    for (const method of ["squares", "path", "squares, adversarial", "adversarial alone"]) {
      const folder = join(work, "students", `${size}, ${method}`);
      if (!existsSync(folder)) continue;
      const { generator } = loadGenerator(folder);
      shown.push([`${size}, ${parameters}: ${method}`, facesOf({ module: generator }, latents)]);
    }
  const route = join(work, "face-denoiser-plain.npz");
  if (existsSync(route)) {
    const data = await openDataset(route);
    const { samples } = await data.batch(Array.from({ length: 8 }, (_, row) => row));
    shown.push(["a denoiser's student, 32x32", ops.upsample_nearest2d(samples, [64, 64])]);
  }
  if (shown.length > 1) await drawRows("generators-faces.png", shown);
}

/** Pictures that nobody was trained on, and what is left of them. */
async function drawReconstructions() {
  const folder = join(work, "autoencoder");
  if (!existsSync(folder)) return;
  const teacher = loadAutoencoder(folder);
  const pictures = facesOf(faces, randn([8, 100], { generator: new Generator(12) }));
  const shown = [
    ["the GAN's pictures", pictures],
    ["the autoencoder", teacher.decode(teacher.encode(pictures))],
  ];
  for (const method of ["squares", "path", "squares, adversarial"]) {
    const tiny = join(work, "students", `decoder, ${method}`);
    if (existsSync(tiny))
      shown.push([`tiny decoder: ${method}`, loadAutoencoder(tiny).decode(teacher.encode(pictures))]);
  }
  for (const method of ["squares", "path"]) {
    const tiny = join(work, "students", `encoder, ${method}`);
    if (existsSync(tiny))
      shown.push([`tiny encoder: ${method}`, teacher.decode(loadAutoencoder(tiny).encode(pictures))]);
  }
  await drawRows("generators-autoencoder.png", shown);
}

/** Rows of pictures 64x64 with a name each, as a PNG of 256 colours. */
async function drawRows(name, shown) {
  const [side, gap, left] = [64, 3, 240];
  const count = shown[0][1].shape[0];
  const [width, height] = [left + count * (side + gap), shown.length * (side + gap) + gap];
  const parts = shown.flatMap(([, pictures], row) => {
    const { data } = toUint8Images(pictures.clamp(-1, 1));
    return Array.from({ length: count }, (_, column) => ({
      input: Buffer.from(data.slice(column * side * side * 3, (column + 1) * side * side * 3)),
      raw: { width: side, height: side, channels: 3 },
      ...{ left: left + column * (side + gap), top: gap + row * (side + gap) },
    }));
  });
  const words = shown.map(
    ([name], row) =>
      `<text x="${left - 10}" y="${gap + row * (side + gap) + 37}" text-anchor="end" font-family="sans-serif" font-size="13">${name}</text>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words.join("")}</svg>`;
  await sharp({ create: { width, height, channels: 3, background: "white" } })
    .composite([...parts, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ palette: true, effort: 10 })
    .toFile(image(name));
}
