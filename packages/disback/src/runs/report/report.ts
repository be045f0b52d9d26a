import { join } from "node:path";
import { dataTitle, figureName, methodTitle, settingsInUse, shortFigureName } from "@disback/studio/pages";
import { writeFileAtomically } from "../atomic-file.js";
import { readBest } from "../best-model.js";
import { type MetricsEntry, MetricsLog } from "../metrics-log.js";
import { readRunFolder } from "../run-folder.js";
import type { RunRecord } from "../run-record.js";
import { shortNumber } from "../wording.js";
import { drawChart } from "./chart-svg.js";
import { type ChartContent, chartsOf } from "./curves.js";
import { headline, resultSentence } from "./headline.js";
import { escapeHtml, flattenRows, htmlPage, rowsTable } from "./markup.js";
import { resultPictures } from "./result.js";
import { viewerScript } from "./script.js";
import { STYLE } from "./style.js";

/**
 * Writes `report.html` of a run: one file without outside requests, as interactive as the studio's page but without a
 * server. The result comes first, then figures, curves and settings.
 *
 * @param record the run's record; default its `run.json`
 * @returns the file's path
 */
export function writeReport(runPath: string, record: RunRecord = readRunFolder(runPath)): string {
  const entries = new MetricsLog(join(runPath, "metrics.jsonl")).read();
  const path = join(runPath, "report.html");
  writeFileAtomically(path, renderReport(runPath, record, entries));
  return path;
}

function renderReport(runPath: string, record: RunRecord, entries: readonly MetricsEntry[]): string {
  const charts = chartsOf(entries, record.result).map(figure);
  const sentence = resultSentence(record, entries);
  const main = `${sentence && `<p class="sentence">${escapeHtml(sentence)}</p>`}
<p class="subtitle">${escapeHtml(subtitle(record))}</p>
${record.failure ? `<p class="failure">Failed: ${escapeHtml(record.failure.message)}</p>` : ""}
${resultPictures(runPath, record, entries)}
${headline(record, entries)}
${howMeasured(record)}
${whatHappened(record, readBest(runPath))}
${problems(record)}
${charts.length > 0 ? `<section><h2>Curves</h2>\n${chartsGrid(charts)}</section>` : ""}
${folded("Settings in use", rowsTable(flattenRows(settingsInUse(record.settings, stagesOf(entries)))))}
${folded("Versions and machine", surroundings(record))}
${entries.length > 0 ? folded("All evaluations", metricsTable(entries)) : ""}`;
  return htmlPage({ title: dataTitle(record), style: STYLE, main, script: viewerScript() });
}

function subtitle(record: RunRecord): string {
  const started = record.startedAt.replace("T", " ").slice(0, 16);
  return `${methodTitle(record)}; ${record.state}, started ${started} UTC, seed ${record.seed}, ${record.machine.cores ?? "?"} cores (${record.machine.processor ?? "unknown processor"})`;
}

function stagesOf(entries: readonly MetricsEntry[]): ReadonlySet<string> {
  return new Set(entries.map(({ stage }) => stage));
}

function howMeasured(record: RunRecord): string {
  const note = record.result?.measuredWith;
  return typeof note === "string" ? `<p class="how">${escapeHtml(note)}</p>` : "";
}

/** The best model and its place; where training diverged. */
function whatHappened(record: RunRecord, best: ReturnType<typeof readBest>): string {
  const lines = (record.rollBacks ?? []).map(
    ({ reason, to, factor }) =>
      `${reason}; went on from iteration ${to} with ${factor} times the learning rate.`,
  );
  if (best) {
    const name = shortFigureName(best.figure);
    lines.unshift(
      `Best: ${name} ${shortNumber(best.value)} at iteration ${best.iteration}, kept in ${best.name}/.`,
    );
  }
  return lines.map((line) => `<p class="how">${escapeHtml(line)}</p>`).join("\n");
}

/** What the diagnosis found. */
function problems({ result }: RunRecord): string {
  const lines = Array.isArray(result?.problems) ? result.problems.map(String) : [];
  return lines.map((line) => `<p class="how"><b>Problem</b> ${escapeHtml(line)}</p>`).join("\n");
}

function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n${content}</details>`;
}

/** The first chart is twice as wide if the last would be alone in its row. */
function chartsGrid(charts: readonly string[]): string {
  return `<div class="charts${charts.length % 2 === 1 ? " odd" : ""}">${charts.join("\n")}</div>`;
}

/** A chart, and its points for the page's script: position in the drawing, then the displayed value. */
function figure(chart: ChartContent): string {
  const { svg, curves } = drawChart(chart);
  const points = curves.map((curve) => ({
    name: curve.name,
    points: curve.points.map(([x, y, ...values]) => [rounded(x), rounded(y), ...values.map(shortNumber)]),
  }));
  return `<figure data-x="${escapeHtml(chart.xName)}" data-curves="${escapeHtml(JSON.stringify(points))}"><figcaption><b>${escapeHtml(chart.title)}</b> <output></output></figcaption>${svg}</figure>`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function surroundings(record: RunRecord): string {
  return rowsTable([
    ["command", `disback ${record.command}${record.preset ? ` --preset ${record.preset}` : ""}`],
    ...flattenRows(record.versions, "version."),
    ...flattenRows(record.machine),
  ]);
}

function metricsTable(entries: readonly MetricsEntry[]): string {
  const names = [...new Set(entries.flatMap((entry) => Object.keys(entry)))];
  const cell = (value: string | number | undefined) =>
    typeof value === "number"
      ? `<td class="number">${shortNumber(value)}</td>`
      : `<td>${escapeHtml(value ?? "")}</td>`;
  const head = names.map(
    (name) =>
      `<th scope="col"${name === "stage" ? "" : ' class="number"'}>${escapeHtml(figureName(name))}</th>`,
  );
  const rows = entries.map((entry) => `<tr>${names.map((name) => cell(entry[name])).join("")}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}
