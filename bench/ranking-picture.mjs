// The table of docs/which-objective.md and its plot, from bench/results/ranking.json.
//   node bench/ranking-picture.mjs
// The way of a run: log(start / end) / log(start / teacher), of the sliced Wasserstein distance or FID; the start is Diff-Instruct's.
import { readFileSync, writeFileSync } from "node:fs";
import { quantile } from "./report.mjs";

const { machine, teachers, rows, memory } = JSON.parse(
  readFileSync(new URL("results/ranking.json", import.meta.url), "utf8"),
);
const reported = rows.filter(({ points }) => points);
const median = (numbers) => quantile(numbers, 0.5);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const unique = (values) => [...new Set(values)];

/** What an objective needs besides the teacher. */
const NEEDS = {
  ...Object.fromEntries(
    ["diff-instruct", "vsd", "dmd", "sid", "sim", "moment-matching"].map((name) => [name, "auxiliary model"]),
  ),
  ...Object.fromEntries(["dmd2", "f-distill"].map((name) => [name, "auxiliary model, data, discriminator"])),
  sida: "auxiliary model, data",
  ladd: "data, discriminator",
  ...Object.fromEntries(
    ["consistency", "ect", "tcm", "scm", "meanflow"].map((name) => [name, "data or teacher's samples"]),
  ),
  regression: "teacher's samples",
};

const names = { "fashion-mnist-16": "Fashion-MNIST" };
const inThePlane = unique(reported.map(({ task }) => task)).filter((task) => !("fid" in teachers[task]));
const plane = inThePlane.length > 1 ? "plane" : inThePlane[0];
const places = unique(reported.map(({ task, student }) => `${task} ${student}`));
// Points first.
places.sort((a, b) => ("fid" in teachers[a.split(" ")[0]]) - ("fid" in teachers[b.split(" ")[0]]));
const cases = places.map((name) => {
  const [task, student] = name.split(" ");
  const figure = "fid" in teachers[task] ? "fid" : "slicedWasserstein";
  const own = reported.filter((row) => row.task === task && row.student === student);
  const start = median(
    own.filter(({ objective }) => objective === "diff-instruct").map(({ points }) => points[0][1]),
  );
  const way = (value) => Math.log(start / value) / Math.log(start / teachers[task][figure]);
  const label = `${names[task] ?? task}, ${student === "same" ? "copy" : "quarter"}`;
  return {
    task,
    student,
    figure,
    own,
    start,
    way,
    label,
    group: "fid" in teachers[task] ? label : `${plane}, ${student === "same" ? "copy" : "quarter"}`,
  };
});

/** When a curve first comes to a level, between its points by a straight line; Infinity for never. */
function timeOf(curve, level) {
  const index = curve.findIndex(([, way]) => way >= level);
  if (index < 1) return index < 0 ? Number.POSITIVE_INFINITY : 0;
  const [[from, low], [to, high]] = [curve[index - 1], curve[index]];
  return from + ((to - from) * (level - low)) / (high - low);
}

/** What became of one run. */
function outcomeOf({ way }, row) {
  const { points, diverged, budget } = row;
  const figures = points.map(([, value]) => value);
  const modes = points.map(([, , share]) => share).filter((share) => share !== undefined);
  const end = diverged ? undefined : (row.end.fid ?? row.end.slicedWasserstein);
  const reach = (level) =>
    timeOf(
      points.map(([time, value]) => [time, way(value)]),
      level,
    );
  return {
    way: end === undefined ? Number.NEGATIVE_INFINITY : way(end),
    end,
    failure: diverged
      ? "diverged"
      : modes.length > 0 && modes.at(-1) < Math.max(...modes) - 0.25
        ? "collapsed"
        : end > 1.5 * Math.min(...figures)
          ? "fell back"
          : undefined,
    half: reach(0.5) / budget,
    most: reach(0.9) / budget,
    modes: row.end?.modeCoverage,
    recall: row.end?.recall,
  };
}

/** Where every objective was run: by these they are ordered. */
const common = cases.filter(
  ({ own }) =>
    unique(own.map(({ objective }) => objective)).length ===
    unique(reported.map(({ objective }) => objective)).length,
);
const wayOf = (parts) =>
  mean(parts.map(({ outcomes }) => Math.max(-1, median(outcomes.map(({ way }) => way)))));

const results = unique(reported.map(({ objective }) => objective)).map((objective) => {
  const parts = cases
    .map((part) => ({
      part,
      outcomes: part.own.filter((row) => row.objective === objective).map((row) => outcomeOf(part, row)),
    }))
    .filter(({ outcomes }) => outcomes.length > 0);
  const score = wayOf(parts.filter(({ part }) => common.includes(part)));
  return { objective, parts, outcomes: parts.flatMap(({ outcomes }) => outcomes), score };
});
results.sort((a, b) => b.score - a.score);

const groups = unique(cases.map(({ group }) => group));
const share = (number) => (Number.isFinite(number) ? `${Math.round(100 * number)} %` : "never");
const figureText = (value) =>
  value === undefined ? "diverged" : value < 1 ? value.toFixed(3) : value.toFixed(1);

function table() {
  const head = [
    "objective",
    ...groups.map((group) => `way: ${group}`),
    "half, nine tenths",
    "modes",
    "recall",
    "failures",
    "memory",
    "needs",
  ];
  const lines = results.map(({ objective, parts, outcomes }) => {
    const ways = groups.map((group) => {
      const own = parts.filter(({ part }) => part.group === group);
      return own.length === 0 ? "" : wayOf(own).toFixed(2);
    });
    const shared = parts.filter(({ part }) => common.includes(part)).flatMap(({ outcomes }) => outcomes);
    const late = (name) => share(median(shared.map((outcome) => outcome[name])));
    const known = (name) => outcomes.map((outcome) => outcome[name]).filter((value) => value !== undefined);
    const failures = unique(known("failure")).map(
      (name) => `${outcomes.filter(({ failure }) => failure === name).length} ${name}`,
    );
    return [
      objective,
      ...ways,
      `${late("half")}, ${late("most")}`,
      known("modes").length > 0 ? share(mean(known("modes"))) : "",
      known("recall").length > 0 ? median(known("recall")).toFixed(2) : "",
      failures.join(", ") || `0 of ${outcomes.length}`,
      memory[objective] === undefined ? "" : `${memory[objective]} MB`,
      NEEDS[objective],
    ];
  });
  return markdown([head, ...lines]);
}

/** Final figures of every case: median, lowest and highest over the seeds. */
function figures() {
  const head = ["objective", ...cases.map(({ label }) => label)];
  const teacher = ["teacher", ...cases.map(({ task, figure }) => figureText(teachers[task][figure]))];
  const begin = ["start", ...cases.map(({ start }) => figureText(start))];
  const lines = results.map(({ objective, parts }) => [
    objective,
    ...cases.map((part) => {
      const ends = (parts.find((one) => one.part === part)?.outcomes ?? []).map(
        ({ end }) => end ?? Number.POSITIVE_INFINITY,
      );
      if (ends.length === 0) return "";
      const text = (value) => figureText(Number.isFinite(value) ? value : undefined);
      return ends.length === 1
        ? text(ends[0])
        : `${text(median(ends))} (${text(Math.min(...ends))} to ${text(Math.max(...ends))})`;
    }),
  ]);
  return markdown([head, teacher, begin, ...lines]);
}

function where() {
  const { processor, cores, system, node, libtorch, date } = machine;
  return `Median (lowest to highest) of the sliced Wasserstein distance, on images FID of 1,000 samples. ${processor}, ${cores} cores, ${system}, Node ${node}, libtorch ${libtorch}, ${date.slice(0, 10)} (\`bench/results/ranking.json\`).`;
}

function markdown([head, ...lines]) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A dot for every run: how far it came. */
function picture() {
  const colours = {
    [`${plane}, copy`]: "#0a6cbd",
    [`${plane}, quarter`]: "#c77700",
    "Fashion-MNIST, copy": "#5a9a3c",
  };
  const [left, row, top, width] = [150, 24, 62, 760];
  const height = top + results.length * row + 40;
  const x = (way) => left + ((Math.min(1.1, Math.max(-0.1, way)) + 0.1) / 1.2) * (width - left - 24);
  const lines = [
    `<svg aria-label="How far every objective comes" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="12" y="22" font-weight="bold">How far every objective comes in the same processor time: 0 the start, 1 the teacher</text>`,
  ];
  groups.forEach((group, index) => {
    const at = 20 + 160 * index;
    lines.push(
      `<circle cx="${at}" cy="40" r="5" fill="${colours[group]}"/>`,
      `<text x="${at + 10}" y="44">${group}</text>`,
    );
  });
  lines.push(`<text x="${20 + 160 * groups.length}" y="44">bar: the order</text>`);
  for (const way of [0, 0.25, 0.5, 0.75, 1])
    lines.push(
      `<line x1="${x(way)}" x2="${x(way)}" y1="${top}" y2="${height - 32}" stroke="#ddd"/>`,
      `<text x="${x(way)}" y="${height - 14}" text-anchor="middle">${way}</text>`,
    );
  for (const [place, { objective, parts, score }] of results.entries()) {
    const y = top + (place + 0.5) * row;
    lines.push(`<text x="${left - 14}" y="${y + 4}" text-anchor="end">${objective}</text>`);
    lines.push(
      `<line x1="${x(score)}" x2="${x(score)}" y1="${y - 9}" y2="${y + 9}" stroke="#222" stroke-width="3"/>`,
    );
    for (const { part, outcomes } of parts)
      for (const { way } of outcomes)
        lines.push(
          `<circle cx="${x(way).toFixed(1)}" cy="${y + 6 * (groups.indexOf(part.group) - (groups.length - 1) / 2)}" r="3.5" fill="${colours[part.group]}" fill-opacity="0.6"/>`,
        );
  }
  return `${lines.join("\n")}\n</svg>\n`;
}

writeFileSync(new URL("../docs/images/which-objective.svg", import.meta.url), picture());
const page = new URL("../docs/which-objective.md", import.meta.url);
let text = readFileSync(page, "utf8");
for (const [name, content] of Object.entries({ table: table(), figures: `${figures()}\n\n${where()}` }))
  text = text.replace(
    new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`),
    (_, before, after) => `${before}\n${content}\n\n${after}`,
  );
writeFileSync(page, text);
