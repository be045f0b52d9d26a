// The pictures of docs/trajectories.md: modes at the end of each schedule (bench/results/trajectory-schedules.json), and modes kept
// against what the gate measures (trajectory-map.json); one dot a seed.
//   node bench/trajectory-picture.mjs
import { readFileSync, writeFileSync } from "node:fs";

const read = (name) => JSON.parse(readFileSync(new URL(`results/${name}.json`, import.meta.url), "utf8"));
const write = (name, lines) =>
  writeFileSync(new URL(`../docs/images/${name}.svg`, import.meta.url), `${lines.join("\n")}\n</svg>\n`);
const { schedules } = read("trajectory-schedules");
const colours = { plain: "#777", start: "#c77700", path: "#0a6cbd" };
const named = schedules
  .map(({ ends, ...schedule }) => ({ method: "path", iterations: 1200, ...schedule, ends }))
  .sort((a, b) => Object.keys(colours).indexOf(a.method) - Object.keys(colours).indexOf(b.method));
const labelOf = ({ method, lr = 5e-4, stay = 20, decay, aux = 1, interpolate, ends }) =>
  [
    { plain: "plain", start: "auxiliary model's start" }[method] ??
      `path${interpolate ? " along samples in between" : ""}, ${ends[0].nodes} nodes, stay ${stay}`,
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
write("trajectory-schedules", lines);
write("trajectory-law", law(read("trajectory-map")));

/** Modes kept against the gate's ratio: plain and the whole path, of students that are no copies and can get there in the budget. */
function law({ rows, reach }) {
  const ratioOf = ({ range, student, seed }) =>
    reach.find(
      (one) =>
        one.range === range &&
        one.student === (student === "small" ? "untrained" : student) &&
        one.seed === seed,
    ).ratio;
  const [width, height, left, right, top, bottom] = [720, 400, 60, 20, 60, 60];
  const x = (ratio) => left + (Math.log(ratio / 0.8) / Math.log(10 / 0.8)) * (width - left - right);
  const y = (modes) => height - bottom - (modes / 8) * (height - top - bottom);
  const shown = { plain: ["#777", -2], whole: ["#0a6cbd", 2] };
  const words = { plain: "plain Diff-Instruct", whole: "along a trajectory" };
  const out = [
    `<svg aria-label="Modes kept against what the gate measures" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="12" y="24" font-weight="bold">Modes of 8 kept after 300 steps, by what the gate measures; the ring, untrained and small students</text>`,
  ];
  for (let modes = 0; modes <= 8; modes += 2)
    out.push(
      `<line x1="${left}" x2="${width - right}" y1="${y(modes)}" y2="${y(modes)}" stroke="#ddd"/>`,
      `<text x="${left - 10}" y="${y(modes) + 4}" text-anchor="end">${modes}</text>`,
    );
  for (const ratio of [0.8, 1, 1.5, 2, 3, 5, 10])
    out.push(
      `<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${height - bottom}" stroke="#eee"/>`,
      `<text x="${x(ratio)}" y="${height - bottom + 18}" text-anchor="middle">${ratio}</text>`,
    );
  out.push(
    `<text x="${(left + width) / 2}" y="${height - 14}" text-anchor="middle">the teacher's loss on the student's samples, walked from the highest level, over that on its own</text>`,
  );
  for (const [place, [method, [colour, shift]]] of Object.entries(shown).entries()) {
    out.push(
      `<circle cx="${left + 10 + 180 * place}" cy="42" r="5" fill="${colour}"/>`,
      `<text x="${left + 22 + 180 * place}" y="46">${words[method]}</text>`,
    );
    for (const row of rows)
      if (row.method === method && ["untrained", "small"].includes(row.student))
        out.push(
          `<circle cx="${(x(ratioOf(row)) + 2 * shift).toFixed(1)}" cy="${(y(row.modes) + shift).toFixed(1)}" r="5" fill="${colour}" fill-opacity="0.65"/>`,
        );
  }
  return out;
}
