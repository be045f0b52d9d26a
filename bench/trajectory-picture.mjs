// The picture of docs/trajectories.md from bench/results/trajectory-schedules.json: modes at the end, one dot a seed.
//   node bench/trajectory-picture.mjs
import { readFileSync, writeFileSync } from "node:fs";

const { schedules } = JSON.parse(
  readFileSync(new URL("results/trajectory-schedules.json", import.meta.url), "utf8"),
);
const colours = { plain: "#777", start: "#c77700", path: "#0a6cbd" };
const named = schedules
  .map(({ ends, ...schedule }) => ({ method: "path", iterations: 1200, ...schedule, ends }))
  .sort((a, b) => Object.keys(colours).indexOf(a.method) - Object.keys(colours).indexOf(b.method));
const labelOf = ({ method, lr = 5e-4, stay = 20, decay, aux = 1, ends }) =>
  [
    { plain: "plain", start: "auxiliary model's start" }[method] ??
      `path, ${ends[0].nodes} nodes, stay ${stay}`,
    `rate ${lr}${decay ? ", decays" : ""}`,
    ...(aux > 1 ? [`${aux} auxiliary steps`] : []),
  ].join("; ");
const [left, row, top, unit] = [430, 26, 44, 44];
const width = left + 8 * unit + 40;
const height = top + named.length * row + 40;
const x = (modes) => left + modes * unit;
const lines = [
  `<svg aria-label="Schedules of a trajectory at low noise levels" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
  `<rect width="${width}" height="${height}" fill="white"/>`,
  `<text x="12" y="24" font-weight="bold">Modes of 8 at the end, one dot per seed; ln sigma ~ N(-3, 0.6), untrained student</text>`,
];
for (let modes = 0; modes <= 8; modes++)
  lines.push(
    `<line x1="${x(modes)}" x2="${x(modes)}" y1="${top}" y2="${height - 32}" stroke="#ddd"/>`,
    `<text x="${x(modes)}" y="${height - 14}" text-anchor="middle">${modes}</text>`,
  );
for (const [place, schedule] of named.entries()) {
  const y = top + (place + 0.5) * row;
  lines.push(`<text x="${left - 14}" y="${y + 4}" text-anchor="end">${labelOf(schedule)}</text>`);
  const seen = new Map();
  for (const { modes } of schedule.ends) {
    const beside = seen.get(modes) ?? 0;
    seen.set(modes, beside + 1);
    lines.push(`<circle cx="${x(modes) + 11 * beside}" cy="${y}" r="5" fill="${colours[schedule.method]}"/>`);
  }
}
writeFileSync(
  new URL("../docs/images/trajectory-schedules.svg", import.meta.url),
  `${lines.join("\n")}\n</svg>\n`,
);
