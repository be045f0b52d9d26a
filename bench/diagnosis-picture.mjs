// Draws docs/images/objectives-diagnosis.svg: the runs of packages/disback/test/fixtures/diagnosis, each beside a sound one.
// node bench/diagnosis-picture.mjs
import { readFileSync, writeFileSync } from "node:fs";

const runs = JSON.parse(
  readFileSync(new URL("../packages/disback/test/fixtures/diagnosis/curves.json", import.meta.url), "utf8"),
);
const named = (name) => runs.find((run) => run.name === name);
const panels = [
  { problem: "collapse", figure: "spread", title: "spread of the samples", sound: "sound", teacher: true },
  {
    problem: "oversaturation",
    figure: "spread",
    title: "spread of the samples",
    sound: "sound",
    teacher: true,
  },
  {
    problem: "lagging auxiliary model",
    figure: "slicedWasserstein",
    title: "distance to the data",
    sound: "sound",
  },
  {
    problem: "lagging auxiliary model",
    figure: "mismatch",
    title: "mismatch degree",
    sound: "sound",
    most: 2,
  },
  {
    problem: "overfed discriminator",
    figure: "adversarial",
    title: "adversarial loss",
    sound: "sound, dmd2",
  },
];

const [width, height, left, top, gap] = [250, 130, 34, 40, 30];
const draw = ({ problem, figure, title, sound, teacher, most }, index) => {
  const [wrong, right] = [named(problem), named(sound)];
  const values = [wrong, right].flatMap(({ entries }) => entries.map((entry) => entry[figure] ?? 0));
  const largest = most ?? Math.max(...values) * 1.05;
  const smallest = figure === "mismatch" ? 1 : 0;
  const x0 = left + (index % 3) * (width + gap + left);
  const y0 = top + Math.floor(index / 3) * (height + 70);
  const x = (iteration) => (x0 + (iteration / 300) * width).toFixed(1);
  const y = (value) => {
    const share = (Math.min(value, largest) - smallest) / (largest - smallest);
    return (y0 + height - Math.max(0, share) * height).toFixed(1);
  };
  const line = ({ entries }, colour) => {
    const points = entries
      .filter((entry) => entry[figure] !== undefined)
      .map((entry) => `${x(entry.iteration)},${y(entry[figure])}`);
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(" ")}"/>`;
  };
  const level = wrong.teacherSpread;
  const marks = [smallest, largest].map(
    (value) =>
      `<text x="${x0 - 4}" y="${Number(y(value)) + 4}" text-anchor="end">${value.toPrecision(2)}</text>`,
  );
  return `<text x="${x0}" y="${y0 - 18}" font-weight="bold">${problem}</text>
<text x="${x0}" y="${y0 - 5}">${title}</text>
<rect x="${x0}" y="${y0}" width="${width}" height="${height}" fill="none" stroke="#bbb"/>
${teacher ? `<path d="M${x0} ${y(level)}h${width}" stroke="#999" stroke-dasharray="4 3"/><text x="${x0 + width - 4}" y="${Number(y(level)) - 3}" text-anchor="end">teacher</text>` : ""}
${line(right, "#8a8a8a")}
${line(wrong, "#d1495b")}
${marks.join("\n")}
<text x="${x0}" y="${y0 + height + 13}">0</text><text x="${x0 + width}" y="${y0 + height + 13}" text-anchor="end">300 steps</text>`;
};

const full = [3 * (width + gap + left) + 10, 2 * (height + 70) + 20];
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${full[0]}" height="${full[1]}" viewBox="0 0 ${full.join(" ")}" font-family="sans-serif" font-size="11" fill="#333">
<title>Curves of runs that went wrong, beside sound ones</title>
<rect width="100%" height="100%" fill="#fff"/>
${panels.map(draw).join("\n")}
<text x="${left + 2 * (width + gap + left)}" y="${top + height + 90}"><tspan fill="#d1495b">wrong</tspan>, <tspan fill="#777">sound</tspan></text>
</svg>
`;
writeFileSync(new URL("../docs/images/objectives-diagnosis.svg", import.meta.url), svg);
