// The pictures of docs/trajectories.md: modes at the end of each schedule (bench/results/trajectory-schedules.json); modes kept
// at each range of levels (trajectory-map.json) with the gate's ratio (trajectory-need.json), and below them how FID changes
// along a path on pictures against that ratio (trajectory-images.json); one dot a seed.
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
const pictures = read("trajectory-images").rows;
write("trajectory-law", law(read("trajectory-map"), read("trajectory-need").rows, 320, pictures));

/** Modes kept at each range of levels, of students that are no copies, with the gate's ratio. */
function law({ rows }, need, below, pictures) {
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
    `<svg aria-label="Where a trajectory pays, in the plane and on pictures" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + below}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height + below}" fill="white"/>`,
    `<text x="12" y="22" font-weight="bold">Points: modes of 8 kept after 300 steps; filled: untrained student, open: a quarter of the size; one dot a seed</text>`,
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
  return [...out, `<g transform="translate(0 ${height})">`, ...change(pictures, width, below), "</g>"];
}

/** FID of plain Diff-Instruct over FID along a path, against the gate's ratio; both axes logarithmic. */
function change(rows, width, height) {
  const [left, top, bottom] = [60, 66, 50];
  // Generators at the rate that was plain's best, where it was tried.
  const best = ({ size, range, student }) =>
    student === "generator" &&
    rows.some((row) => row.size === size && row.range === range && row.rate === 2e-3 && !row.steps)
      ? 2e-3
      : undefined;
  const cells = rows.filter(
    (row) => row.method === "whole" && row.seed < 4 && row.rate === best(row) && !row.steps,
  );
  const pairs = cells.map((row) => {
    const same = ["size", "range", "student", "seed"];
    const plain = rows.find(
      (other) =>
        other.method === "plain" &&
        other.rate === row.rate &&
        !other.steps &&
        same.every((name) => other[name] === row[name]),
    );
    return { ...row, quotient: plain.fid / row.fid };
  });
  const extent = (values, low, high) =>
    [Math.min(low, ...values), Math.max(high, ...values)].map((value, end) =>
      Math.log(value * (end ? 1.05 : 0.95)),
    );
  const [least, most] = extent(
    pairs.map(({ quotient }) => quotient),
    0.5,
    1.5,
  );
  const [from, to] = extent(
    pairs.map(({ ratio }) => ratio),
    1,
    2,
  );
  const x = (ratio) => left + ((Math.log(ratio) - from) / (to - from)) * (width - 20 - left);
  const y = (quotient) =>
    height - bottom - ((Math.log(quotient) - least) / (most - least)) * (height - top - bottom);
  const colours = { 8: "#0a6cbd", 16: "#c77700", 32: "#2a8a3e", 64: "#a0309a" };
  const shapes = { untrained: 1, small: 2, generator: 3, copy: 4 };
  const words = {
    untrained: "untrained",
    small: "half the channels",
    generator: "generator",
    copy: "copy",
  };
  const out = [
    `<text x="12" y="22" font-weight="bold">Pictures: FID of plain Diff-Instruct over FID along a trajectory after as many steps; one mark a seed</text>`,
    `<text x="${width - 20}" y="${height - 10}" text-anchor="end">the gate's ratio</text>`,
    `<text x="${left}" y="${height - 10}">above 1: the trajectory is better</text>`,
  ];
  for (const quotient of [0.25, 0.5, 0.7, 1, 1.4, 2].filter((value) => within(value, least, most)))
    out.push(
      `<line x1="${left}" x2="${width - 20}" y1="${y(quotient)}" y2="${y(quotient)}" stroke="${quotient === 1 ? "#777" : "#ddd"}"/>`,
      `<text x="${left - 10}" y="${y(quotient) + 4}" text-anchor="end">${quotient}</text>`,
    );
  for (const ratio of [1, 1.2, 1.5, 2, 3, 4, 5].filter((value) => within(value, from, to)))
    out.push(
      `<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${height - bottom}" stroke="#eee"/>`,
      `<text x="${x(ratio)}" y="${height - 32}" text-anchor="middle">${ratio}</text>`,
    );
  let place = left + 10;
  const seen = (name) => [...new Set(pairs.map((pair) => pair[name]))];
  for (const size of seen("size").sort((a, b) => a - b)) {
    out.push(
      mark(shapes.untrained, place, 44, colours[size]),
      `<text x="${place + 10}" y="48">${size}x${size}</text>`,
    );
    place += 72;
  }
  for (const student of Object.keys(shapes).filter((name) => seen("student").includes(name))) {
    out.push(
      mark(shapes[student], place, 44, "#555"),
      `<text x="${place + 10}" y="48">${words[student]}</text>`,
    );
    place += 34 + 7 * words[student].length;
  }
  for (const { ratio, quotient, size, student } of pairs)
    out.push(mark(shapes[student], x(ratio), y(quotient), colours[size]));
  return out;
}

function within(value, low, high) {
  return Math.log(value) >= low && Math.log(value) <= high;
}

/** A disc, a ring, a square, or a cross. */
function mark(shape, x, y, colour) {
  const [a, b] = [x.toFixed(1), y.toFixed(1)];
  if (shape === 1) return `<circle cx="${a}" cy="${b}" r="5" fill="${colour}"/>`;
  if (shape === 2)
    return `<circle cx="${a}" cy="${b}" r="5" fill="white" stroke="${colour}" stroke-width="1.5"/>`;
  if (shape === 3)
    return `<rect x="${(x - 4.5).toFixed(1)}" y="${(y - 4.5).toFixed(1)}" width="9" height="9" fill="${colour}"/>`;
  return `<path d="M${a} ${b}m-4 -4l8 8m0 -8l-8 8" stroke="${colour}" stroke-width="2"/>`;
}
