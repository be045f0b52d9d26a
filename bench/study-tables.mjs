// The tables of docs/study-*.md from the result of a comparison:
//   npx disback compare --preset fashion-mnist-16 --out runs/fashion
//   node bench/study-tables.mjs runs/fashion/compare.json
import { readFileSync } from "node:fs";
import {
  ratesText,
  spreadText,
  studentText,
  summaryText,
} from "../packages/disback/dist/runs/compare/wording.js";

const [file] = process.argv.slice(2);
if (!file) {
  console.error("give the compare.json of a comparison");
  process.exit(2);
}
const text = readFileSync(file, "utf8");
// Figures that are not finite stand there as text.
const { settings, cases, teacher, figure, measuredWith, machine } = JSON.parse(text, (_, value) =>
  ["Infinity", "-Infinity", "NaN"].includes(value) ? Number(value) : value,
);

console.log(
  `Teacher ${settings.teacher}: ${figure} ${teacher[figure].toPrecision(3)}; seeds ${settings.seeds.join(", ")}; protocol ${settings.protocol}.`,
);
console.log(`${measuredWith}. Machine: ${Object.values(machine).join(", ")}.\n`);
for (const { student, models, methods, levels, runs } of cases) {
  const chosen = (name) => runs.find(({ method }) => method === name);
  console.log(`### Student: ${studentText(student)}\n`);
  if (models.studentBytes)
    console.log(
      `${(models.studentBytes / 1e6).toFixed(2)} MB (teacher ${(models.teacherBytes / 1e6).toFixed(2)} MB), ${Math.round(models.samplesPerSecond)} samples/s.\n`,
    );
  table(
    [
      "method",
      "student / auxiliary rate",
      `${figure} at start`,
      "at the end",
      "best",
      "preparation, in iterations",
    ],
    methods.map((method) => [
      method.name,
      `${ratesText(chosen(method.name).rates)}${chosen(method.name).atEdge ? " (edge)" : ""}`,
      spreadText(method.start),
      spreadText(method.end),
      spreadText(method.best),
      spreadText(method.preparation.iterationsWithPreparation),
    ]),
  );
  const names = levels.map(({ name, figure: level }) =>
    typeof name === "number"
      ? `${100 * name} % of the way (${spreadText(level)})`
      : `the baseline's best (${spreadText(level)})`,
  );
  for (const [measure, title] of [
    ["iterations", "Speed-up in iterations"],
    ["iterationsWithPreparation", "Speed-up in iterations, preparation counted"],
    ["seconds", "Speed-up in seconds, preparation counted"],
    ["processorSeconds", "Speed-up in processor seconds, preparation counted"],
  ]) {
    const others = methods.filter(({ isBaseline, speedUps }) => !isBaseline && speedUps[measure]);
    // Comparisons made before a measure was counted lack it.
    if (others.length === 0) continue;
    table(
      [title, ...names],
      others.map(({ name, speedUps }) => [name, ...speedUps[measure].map(summaryText)]),
    );
  }
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
  console.log();
}
