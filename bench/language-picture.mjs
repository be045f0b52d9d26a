// Draws docs/images/language-curves.svg: distance of the students' texts from the data's over processor seconds, of
// bench/language.mjs: a thin line for each seed, a thick one for the median.
// node bench/language-picture.mjs
import { readFileSync, writeFileSync } from "node:fs";

const { parts } = JSON.parse(readFileSync(new URL("results/language.json", import.meta.url), "utf8"));
const titles = {
  gpt: "small GPT of a GPT",
  alpha8: "8 letters of a known law, one step",
  words: "frequent words, one step",
};
const colours = ["#2a78b5", "#d1495b", "#6a994e", "#8a5a9e"];
const [width, height, left, top, gap, lines] = [270, 190, 40, 36, 26, 4];

/** The same for a method in every panel of letters. */
const order = Object.keys(parts.alpha8.rows).slice(1);
const colourOf = (method, row) => colours[order.includes(method) ? order.indexOf(method) : row];

const panels = Object.entries(titles).filter(([name]) => name in parts);
const x0 = (index) => left + index * (width + left + gap);

/** The curves of one part, on a logarithmic scale. */
function panel([name, title], index) {
  const { teacher, ...methods } = parts[name].rows;
  const { level } = teacher[0];
  const curves = Object.entries(methods);
  const points = curves.flatMap(([, runs]) => runs.flatMap(({ curve }) => curve));
  const longest = Math.max(...points.map(({ seconds }) => seconds));
  const values = [...points.map(({ trigramDivergence }) => trigramDivergence), level];
  const [lowest, highest] = [Math.min(...values) * 0.9, Math.max(...values) * 1.05];
  const x = (seconds) => (x0(index) + (seconds / longest) * width).toFixed(1);
  const y = (value) => (top + (Math.log(highest / value) / Math.log(highest / lowest)) * height).toFixed(1);
  const line = (curve, colour, thickness, opacity) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="${thickness}" opacity="${opacity}" points="${curve.map(({ seconds, trigramDivergence }) => `${x(seconds)},${y(trigramDivergence)}`).join(" ")}"/>`;
  const drawn = curves.flatMap(([method, runs], row) => [
    ...runs.map(({ curve }) => line(curve, colourOf(method, row), 1, 0.35)),
    line(medianOf(runs.map(({ curve }) => curve)), colourOf(method, row), 2.2, 1),
  ]);
  const marks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    .filter((value) => value > lowest && value < highest)
    .map(
      (value) => `<text x="${x0(index) - 4}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
    );
  const legend = curves.map(
    ([method], row) =>
      `<text x="${x0(index)}" y="${top + height + 32 + 15 * row}" fill="${colourOf(method, row)}">${method}</text>`,
  );
  return `<text x="${x0(index)}" y="${top - 8}" font-weight="bold">${title}</text>
<rect x="${x0(index)}" y="${top}" width="${width}" height="${height}" fill="none" stroke="#bbb"/>
<path d="M${x0(index)} ${y(level)}h${width}" stroke="#777" stroke-dasharray="4 3"/><text x="${x0(index) + width - 4}" y="${Number(y(level)) - 4}" text-anchor="end">teacher</text>
${drawn.join("\n")}
${marks.join("\n")}
<text x="${x0(index)}" y="${top + height + 14}">0</text><text x="${x0(index) + width}" y="${top + height + 14}" text-anchor="end">${Math.round(longest)} processor seconds</text>
${legend.join("\n")}`;
}

/** Medians at equal iterations. */
function medianOf(curves) {
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, place) => ({
    seconds: middle(curves.map((curve) => curve[place].seconds)),
    trigramDivergence: middle(curves.map((curve) => curve[place].trigramDivergence)),
  }));
}

const size = [x0(panels.length) - left, top + height + 32 + 15 * lines];
const svg = `<svg aria-label="Students' texts over processor seconds" role="img" xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size.join(" ")}" font-family="sans-serif" font-size="12" fill="#333">
<rect width="100%" height="100%" fill="#fff"/>
${panels.map(panel).join("\n")}
</svg>
`;
writeFileSync(new URL("../docs/images/language-curves.svg", import.meta.url), svg);
