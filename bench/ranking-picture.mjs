// The tables of docs/which-objective.md and its plot, from bench/results/ranking.json.
//   node bench/ranking-picture.mjs
// The way of a run: log(start / end) / log(start / teacher), of the sliced Wasserstein distance or FID; the start is Diff-Instruct's.
// A panel of the plot is a family of tasks. Objectives are ordered by the mean of their columns of the first table.
import { readFileSync, writeFileSync } from "node:fs";
import { comparePresets } from "../packages/disback/dist/runs/compare/presets.js";
import { quantile } from "./report.mjs";

const { machines, teachers, rows, memory } = JSON.parse(
  readFileSync(new URL("results/ranking.json", import.meta.url), "utf8"),
);
const budgetOf = (task) => comparePresets[`objectives-${task}`].common.backtracking.processorSeconds;
const reported = rows.filter(({ points, budget, task }) => points && budget === budgetOf(task));
const longer = rows.filter(({ points, budget, task }) => points && budget > budgetOf(task));
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

/** Panels of the plot, from the first to the last, by task. */
const PANELS = {
  ...{ ring: "in the plane", grid: "in the plane", checkerboard: "in the plane" },
  ...{ "fashion-mnist-16": "Fashion-MNIST", "cifar10-16": "CIFAR-10", galaxies: "galaxies" },
};
const isPoints = (task) => PANELS[task] === PANELS.ring;
const panels = unique(Object.values(PANELS)).filter((panel) =>
  reported.some(({ task }) => PANELS[task] === panel),
);

const places = Object.keys(PANELS).flatMap((task) =>
  ["same", "small"]
    .filter((student) => reported.some((row) => row.task === task && row.student === student))
    .map((student) => [task, student]),
);
const cases = places.map(([task, student]) => {
  const figure = "fid" in teachers[task] ? "fid" : "slicedWasserstein";
  const own = reported.filter((row) => row.task === task && row.student === student);
  const start = median(
    own.filter(({ objective }) => objective === "diff-instruct").map(({ points }) => points[0][1]),
  );
  const way = (value) => Math.log(start / value) / Math.log(start / teachers[task][figure]);
  const who = student === "same" ? "copy" : "quarter";
  const label = `${isPoints(task) ? task : PANELS[task]}, ${who}`;
  return { task, student, figure, own, start, way, label, group: `${PANELS[task]}, ${who}` };
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

const wayOf = (parts) =>
  mean(parts.map(({ outcomes }) => Math.max(-1, median(outcomes.map(({ way }) => way)))));
const groups = unique(cases.map(({ group }) => group));
const objectives = unique(reported.map(({ objective }) => objective));
/** Groups where every objective was run but those that cannot: by these they are ordered. */
const ordering = groups.filter((group) => {
  const run = cases.filter((part) => part.group === group).flatMap(({ own }) => own);
  return unique(run.map(({ objective }) => objective)).length >= objectives.length - 1;
});

const results = objectives.map((objective) => {
  const parts = cases
    .map((part) => ({
      part,
      outcomes: part.own.filter((row) => row.objective === objective).map((row) => outcomeOf(part, row)),
    }))
    .filter(({ outcomes }) => outcomes.length > 0);
  const ways = new Map(
    groups
      .map((group) => [group, parts.filter(({ part }) => part.group === group)])
      .filter(([, own]) => own.length > 0)
      .map(([group, own]) => [group, wayOf(own)]),
  );
  const score = mean(ordering.filter((group) => ways.has(group)).map((group) => ways.get(group)));
  return { objective, parts, ways, outcomes: parts.flatMap(({ outcomes }) => outcomes), score };
});
results.sort((a, b) => b.score - a.score);

const share = (number) => (Number.isFinite(number) ? `${Math.round(100 * number)} %` : "never");
const figureText = (value) =>
  value === undefined
    ? "diverged"
    : value < 1
      ? value.toFixed(3)
      : value < 1000
        ? value.toFixed(1)
        : value.toExponential(0);

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
  const lines = results.map(({ objective, parts, ways, outcomes }) => {
    const shared = parts
      .filter(({ part }) => ordering.includes(part.group))
      .flatMap(({ outcomes }) => outcomes);
    const late = (name) => share(median(shared.map((outcome) => outcome[name])));
    const known = (name) => outcomes.map((outcome) => outcome[name]).filter((value) => value !== undefined);
    const failures = unique(known("failure")).map(
      (name) => `${outcomes.filter(({ failure }) => failure === name).length} ${name}`,
    );
    return [
      objective,
      ...groups.map((group) => ways.get(group)?.toFixed(2) ?? ""),
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
function figures(chosen) {
  const head = ["objective", ...chosen.map(({ label }) => label)];
  const teacher = ["teacher", ...chosen.map(({ task, figure }) => figureText(teachers[task][figure]))];
  const begin = ["start", ...chosen.map(({ start }) => figureText(start))];
  const lines = results.map(({ objective, parts }) => [
    objective,
    ...chosen.map((part) => {
      const ends = (parts.find((one) => one.part === part)?.outcomes ?? []).map(
        ({ end }) => end ?? Number.POSITIVE_INFINITY,
      );
      return rangeText(ends);
    }),
  ]);
  return markdown([head, teacher, begin, ...lines.filter(([, ...cells]) => cells.some(Boolean))]);
}

/** Median, lowest and highest of the seeds; Infinity is a run that diverged. */
function rangeText(ends) {
  if (ends.length === 0) return "";
  const text = (value) => figureText(Number.isFinite(value) ? value : undefined);
  if (ends.length === 1) return text(ends[0]);
  return `${text(median(ends))} (${text(Math.min(...ends))} to ${text(Math.max(...ends))})`;
}

/** Final figures of runs that got more time than the ranking's, beside those of the ranking. */
function longerRuns() {
  const places = unique(longer.map(({ task, student }) => `${task} ${student}`)).map((place) =>
    place.split(" "),
  );
  const columns = places.flatMap(([task, student]) => {
    const own = rows.filter((row) => row.points && row.task === task && row.student === student);
    return unique(own.map(({ budget }) => budget))
      .sort((a, b) => a - b)
      .map((budget) => ({
        label: `${cases.find((one) => one.task === task && one.student === student).label}, ${budget} s`,
        own: own.filter((row) => row.budget === budget),
      }));
  });
  const lines = unique(longer.map(({ objective }) => objective)).map((objective) => [
    objective,
    ...columns.map(({ own }) => {
      const runs = own.filter((row) => row.objective === objective);
      return rangeText(runs.map(({ end }) => end?.fid ?? end?.slicedWasserstein ?? Number.POSITIVE_INFINITY));
    }),
  ]);
  return markdown([["objective", ...columns.map(({ label }) => label)], ...lines]);
}

function where() {
  const lines = machines.map(({ processor, cores, system, node, libtorch, date }, index) => {
    const count = reported.filter((row) => row.machine === index).length;
    return `${processor}, ${cores} cores, ${system}, Node ${node}, libtorch ${libtorch}, ${date.slice(0, 10)}: ${count} runs`;
  });
  return `Median (lowest to highest) of the sliced Wasserstein distance, on Fashion-MNIST and CIFAR-10 FID of 1,000 samples. ${lines.join("; ")} (\`bench/results/ranking.json\`, with the machine of every row).`;
}

function markdown([head, ...lines]) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A dot for every run: how far it came. A bar is the median of a group, the mean over its tasks. */
function picture() {
  const colours = { copy: "#0a6cbd", quarter: "#c77700" };
  const [left, row, top, gap] = [128, 24, 80, 16];
  const panelWidth = 640 / panels.length - gap;
  const width = left + panels.length * (panelWidth + gap) + 8;
  const height = top + results.length * row + 36;
  const x = (panel, way) => {
    const within = (Math.min(1.15, Math.max(-0.15, way)) + 0.15) / 1.3;
    return (left + panels.indexOf(panel) * (panelWidth + gap) + within * panelWidth).toFixed(1);
  };
  const lines = [
    `<svg aria-label="How far every objective comes" role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="12" y="22" font-weight="bold">How far every objective comes in the same processor time: 0 the start, 1 the teacher</text>`,
    `<text x="12" y="43" fill="#555">a dot is a run, a bar a median:</text>`,
  ];
  Object.entries(colours).forEach(([who, colour], index) => {
    const [at, said] = [228 + 150 * index, who === "copy" ? "starts as a copy" : "a quarter of the size"];
    lines.push(
      `<circle cx="${at}" cy="39" r="5" fill="${colour}"/>`,
      `<text x="${at + 10}" y="43">${said}</text>`,
    );
  });
  for (const panel of panels) {
    lines.push(
      `<text x="${x(panel, 0.5)}" y="${top - 12}" text-anchor="middle" font-weight="bold">${panel}</text>`,
    );
    for (const way of [0, 0.5, 1])
      lines.push(
        `<line x1="${x(panel, way)}" x2="${x(panel, way)}" y1="${top - 4}" y2="${height - 30}" stroke="${way === 1 ? "#888" : "#ddd"}"/>`,
        `<text x="${x(panel, way)}" y="${height - 12}" text-anchor="middle">${way}</text>`,
      );
  }
  for (const [place, { objective, parts, ways }] of results.entries()) {
    const y = top + (place + 0.5) * row;
    if (place % 2 === 0)
      lines.push(
        `<rect x="8" y="${y - row / 2}" width="${width - 16}" height="${row}" fill="#000" fill-opacity="0.035"/>`,
      );
    lines.push(`<text x="${left - 14}" y="${y + 4}" text-anchor="end">${objective}</text>`);
    for (const [group, way] of ways) {
      const [panel, who] = group.split(", ");
      const middle = y + offset(who);
      lines.push(
        `<line x1="${x(panel, way)}" x2="${x(panel, way)}" y1="${middle - 5}" y2="${middle + 5}" stroke="${colours[who]}" stroke-width="3"/>`,
      );
    }
    for (const { part, outcomes } of parts) {
      const [panel, who] = part.group.split(", ");
      for (const { way } of outcomes)
        lines.push(
          `<circle cx="${x(panel, way)}" cy="${y + offset(who)}" r="3" fill="${colours[who]}" fill-opacity="0.45"/>`,
        );
    }
  }
  return `${lines.join("\n")}\n</svg>\n`;
}

/** Copies lie above quarters in an objective's row. */
function offset(who) {
  return who === "copy" ? -5 : 6;
}

writeFileSync(new URL("../docs/images/which-objective.svg", import.meta.url), picture());
const page = new URL("../docs/which-objective.md", import.meta.url);
let text = readFileSync(page, "utf8");
const contents = {
  table: table(),
  points: figures(cases.filter(({ task }) => isPoints(task))),
  longer: longerRuns(),
  images: `${figures(cases.filter(({ task }) => !isPoints(task)))}\n\n${where()}`,
};
for (const [name, content] of Object.entries(contents))
  text = text.replace(
    new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`),
    (_, before, after) => `${before}\n${content}\n\n${after}`,
  );
writeFileSync(page, text);
