// The pictures of docs/trajectories.md: modes at the end of each schedule (bench/results/trajectory-schedules.json), and modes kept
// at each range of levels (trajectory-map.json) with the gate's ratio (trajectory-need.json); one dot a seed.
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
write("trajectory-law", law(read("trajectory-map"), read("trajectory-need").rows));

/** Modes kept at each range of levels, of students that are no copies, with the gate's ratio. */
function law({ rows }, need) {
  const [width, height, left, top, bottom] = [720, 400, 60, 66, 70];
  const y = (modes) => height - bottom - (modes / 8) * (height - top - bottom);
  const ranges = ["N(-1.2, 1.2)", "N(-2, 0.6)", "N(-3, 0.6)"];
  const verdicts = ["bridges the gap", "nearly does", "nowhere near"];
  const shown = { plain: "#777", start: "#c77700", whole: "#0a6cbd" };
  const words = {
    plain: "plain Diff-Instruct",
    start: "the auxiliary model's start",
    whole: "along a trajectory",
  };
  const group = (width - left - 20) / ranges.length;
  const out = [
    `<svg aria-label="Modes kept at each range of noise levels" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="12" y="22" font-weight="bold">Modes of 8 kept after 300 steps; filled: untrained student, open: a quarter of the size; one dot a seed</text>`,
  ];
  for (let modes = 0; modes <= 8; modes += 2)
    out.push(
      `<line x1="${left}" x2="${width - 20}" y1="${y(modes)}" y2="${y(modes)}" stroke="#ddd"/>`,
      `<text x="${left - 10}" y="${y(modes) + 4}" text-anchor="end">${modes}</text>`,
    );
  for (const [place, [method, colour]] of Object.entries(shown).entries())
    out.push(
      `<circle cx="${left + 10 + 190 * place}" cy="44" r="5" fill="${colour}"/>`,
      `<text x="${left + 22 + 190 * place}" y="48">${words[method]}</text>`,
    );
  for (const [place, range] of ranges.entries()) {
    const middle = left + (place + 0.5) * group;
    const ratios = need
      .filter(({ teacher, student }) => teacher === "2d-ring" && student === "untrained")
      .map((row) => row[range]);
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
    out.push(
      `<text x="${middle}" y="${height - 46}" text-anchor="middle">ln sigma ~ ${range}</text>`,
      `<text x="${middle}" y="${height - 28}" text-anchor="middle">ratio ${low} to ${high}:</text>`,
      `<text x="${middle}" y="${height - 10}" text-anchor="middle">${verdicts[place]}</text>`,
    );
    for (const [column, [method, colour]] of Object.entries(shown).entries())
      for (const [kind, student] of ["untrained", "small"].entries())
        for (const { modes, seed } of rows.filter(
          (row) => row.range === range && row.method === method && row.student === student,
        )) {
          const x = middle + (column - 1) * 62 + (kind - 0.5) * 28 + (seed - 2) * 7;
          out.push(
            `<circle cx="${x.toFixed(1)}" cy="${y(modes).toFixed(1)}" r="5" stroke="${colour}" stroke-width="1.5" fill="${kind ? "white" : colour}"/>`,
          );
        }
  }
  return out;
}
