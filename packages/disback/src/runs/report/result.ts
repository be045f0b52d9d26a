import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  classNamesOf,
  promptsFile,
  promptsOf,
  type StageName,
  sampleGridOf,
  shortFigureName,
  stageNames,
} from "@disback/studio/pages";
import { BEST_BY } from "../best-model.js";
import type { MetricsEntry } from "../metrics-log.js";
import type { RunRecord } from "../run-record.js";
import { shortNumber } from "../wording.js";
import { evaluationsText, teacherFigure } from "./headline.js";
import { escapeHtml } from "./markup.js";

/** Largest number of student pictures. More are thinned out evenly; first and last are kept. */
const MOST_PICTURES = 23;

/** The result of a run: the student's samples through time beside the teacher's, as embedded pictures. */
export function resultPictures(runPath: string, record: RunRecord, entries: readonly MetricsEntry[]): string {
  const folder = join(runPath, "samples");
  if (!existsSync(folder)) return "";
  const names = readdirSync(folder);
  if (names.some((name) => name.endsWith(".txt"))) return resultTexts(folder, names, record, entries);
  const timed = names.filter((name) => /^[a-z]+-\d+\.png$/.test(name)).sort(inTime);
  const shown = thin(timed, MOST_PICTURES);
  if (shown.length === 0) return "";
  const { studentEvaluations, teacherEvaluations } = record.result ?? {};
  const who = record.command === "teacher train" ? "teacher in training" : "student";
  const captions = shown.map((name) => momentOf(name, entries));
  const frames = shown.map((name, index) =>
    image(join(folder, name), `samples, ${who}, ${captions[index]}`, {
      caption: captions[index]!,
      hidden: index + 1 < shown.length,
    }),
  );
  const student = figure(
    "frames",
    frames.join("\n"),
    who,
    `${evaluationsText(studentEvaluations)}<span class="moment">${escapeHtml(captions.at(-1))}</span>`,
  );
  const { name, from } = referenceOf(record);
  const teacher = names.includes("reference.png")
    ? figure(
        "",
        image(join(folder, "reference.png"), `samples, ${name}, ${from}`),
        name,
        `${evaluationsText(teacherEvaluations)}${escapeHtml([from, ...teacherFigures(record)].join(", "))}`,
      )
    : "";
  const isPoints = names.some((name) => name.endsWith(".npy"));
  return `<section class="result${isPoints ? " points" : ""}"${gridData(runPath, record, isPoints)}>
<div class="pair">
${student}
${teacher}
</div>
<div class="time" hidden><button type="button">Play</button><input type="range" min="0" value="0" aria-label="moment of the samples"><output class="moment"></output></div>
${promptList(promptsShown(runPath))}
</section>`;
}

/** What stands beside the model's samples: the teacher's, or the pictures that an autoencoder reconstructs. */
function referenceOf({ command, settings }: RunRecord): { name: string; from: string } {
  if (command === "teacher train") return { name: "data", from: "what is reconstructed" };
  return {
    name: "teacher",
    from: settings["half"] === undefined ? "from the same noise" : "of the same pictures",
  };
}

/** Texts shown of each model. */
const MOST_TEXTS = 12;

/** Texts as texts: the model's at the start and at the end, and the teacher's. */
function resultTexts(
  folder: string,
  names: readonly string[],
  record: RunRecord,
  entries: readonly MetricsEntry[],
): string {
  const timed = names.filter((name) => /^[a-z]+-\d+\.txt$/.test(name)).sort(inTime);
  const who = record.command === "teacher train" ? "teacher in training" : "student";
  const { studentEvaluations, teacherEvaluations } = record.result ?? {};
  const shown = [...new Set([timed.at(-1), timed[0]])].flatMap((name) => {
    if (name === undefined) return [];
    return [
      texts(join(folder, name), who, `${evaluationsText(studentEvaluations)}${momentOf(name, entries)}`),
    ];
  });
  const reference = names.includes("reference.txt")
    ? [
        texts(
          join(folder, "reference.txt"),
          "teacher",
          [evaluationsText(teacherEvaluations).replace(/, $/, ""), ...teacherFigures(record)]
            .filter(Boolean)
            .join(", "),
        ),
      ]
    : [];
  if (shown.length === 0) return "";
  return `<section class="result texts">${[shown[0], ...reference, ...shown.slice(1)].join("\n")}</section>`;
}

function texts(path: string, title: string, note: string): string {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(0, MOST_TEXTS);
  const items = lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("\n");
  return `<figure><figcaption><b>${escapeHtml(title)}</b> <span>${escapeHtml(note)}</span></figcaption><ol>${items}</ol></figure>`;
}

/** Pictures by stage, and by iteration within a stage. */
function inTime(a: string, b: string): number {
  const stageOf = (name: string) => stageNames.indexOf(name.split("-")[0] as StageName);
  return stageOf(a) - stageOf(b) || a.localeCompare(b);
}

function figure(kind: string, pictures: string, title: string, note: string): string {
  return `<figure><button type="button" class="picture ${kind}" aria-label="enlarge the ${escapeHtml(title)}'s samples">${pictures}</button><figcaption><b>${escapeHtml(title)}</b> <span>${note}</span></figcaption></figure>`;
}

function image(path: string, alt: string, frame?: { caption: string; hidden: boolean }): string {
  const data = readFileSync(path).toString("base64");
  const extra = frame ? ` data-caption="${escapeHtml(frame.caption)}"${frame.hidden ? " hidden" : ""}` : "";
  return `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${data}"${extra}>`;
}

/** `iteration 120, FID 17.3` */
function momentOf(picture: string, entries: readonly MetricsEntry[]): string {
  const [stage, digits] = picture.replace(/\.(png|txt)$/, "").split("-") as [string, string];
  const iteration = Number(digits);
  const entry = entries.find((one) => one.stage === stage && one.iteration === iteration);
  const figures = BEST_BY.flatMap((name) => {
    const value = entry?.[name];
    return typeof value === "number" ? [`${shortFigureName(name)} ${shortNumber(value)}`] : [];
  });
  return [`iteration ${iteration.toLocaleString("en")}`, ...figures].join(", ");
}

function teacherFigures({ result = {} }: RunRecord): string[] {
  return BEST_BY.flatMap((name) => {
    const value = result[teacherFigure(name)];
    return typeof value === "number" ? [`${shortFigureName(name)} ${shortNumber(value)}`] : [];
  });
}

/** Position and class or prompt of each sample in the pictures, for the page's script. */
function gridData(runPath: string, { settings }: RunRecord, isPoints: boolean): string {
  const grid = isPoints ? undefined : sampleGridOf(settings.evaluation);
  if (!grid) return "";
  const classes = promptsShown(runPath) ?? classesOf(runPath);
  return ` data-columns="${grid.columns}" data-count="${grid.count}" data-padding="${grid.padding}"${
    classes ? ` data-classes="${escapeHtml(JSON.stringify(classes))}"` : ""
  }`;
}

function promptList(prompts: readonly string[] | undefined): string {
  if (!prompts) return "";
  const items = prompts.map((prompt) => `<li>${escapeHtml(prompt)}</li>`).join("");
  return `<details class="prompts"><summary>Prompts, in the order of the pictures</summary><ol>${items}</ol></details>`;
}

function promptsShown(runPath: string): string[] | undefined {
  try {
    return promptsOf(JSON.parse(readFileSync(join(runPath, "samples", promptsFile), "utf8")));
  } catch {
    // Samples without prompts have no such file.
    return undefined;
  }
}

function classesOf(runPath: string): string[] | undefined {
  for (const model of ["student", "student-best", "teacher"]) {
    try {
      const names = classNamesOf(JSON.parse(readFileSync(join(runPath, model, "config.json"), "utf8")));
      if (names) return names;
    } catch {
      // Missing, or still being written.
    }
  }
  return undefined;
}

function thin<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}
