import { join } from "node:path";
import { writeFileAtomically } from "../atomic-file.js";
import { readBest } from "../best-model.js";
import { type MetricsEntry, MetricsLog } from "../metrics-log.js";
import { readRunFolder } from "../run-folder.js";
import type { RunRecord } from "../run-record.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import { chartSvg } from "./chart-svg.js";
import { chartsOf } from "./curves.js";
import { headline } from "./headline.js";
import { escapeHtml, flattenRows, htmlPage, rowsTable } from "./markup.js";
import { sampleGrids } from "./sample-grids.js";
import { STYLE } from "./style.js";

/**
 * Writes `report.html` of a run: one file without scripts or outside requests, with curves, sample grids over time
 * and all settings.
 *
 * @param record what the report is to say of the run; its `run.json` when not given
 * @returns the file's path
 */
export function writeReport(runPath: string, record: RunRecord = readRunFolder(runPath)): string {
  const entries = new MetricsLog(join(runPath, "metrics.jsonl")).read();
  const path = join(runPath, "report.html");
  writeFileAtomically(path, renderReport(runPath, record, entries));
  return path;
}

function renderReport(runPath: string, record: RunRecord, entries: readonly MetricsEntry[]): string {
  const charts = chartsOf(entries, record.result);
  const grids = sampleGrids(runPath, entries);
  const title = runTitle(record);
  const main = `<p class="subtitle">${escapeHtml(subtitle(record))}</p>
<dl class="headline">
${headline(record, entries)}
</dl>
${howMeasured(record)}
${whatHappened(record, readBest(runPath))}
${section("Curves", charts.length > 0 ? `<div class="charts">${charts.map(figure).join("\n")}</div>` : "")}
${section("Samples over time", grids && `<div class="grids">${grids}</div>`)}
${section("Settings", settings(record))}
${metricsTable(entries)}`;
  return htmlPage({ title, style: STYLE, main });
}

function runTitle(record: RunRecord): string {
  const method = record.settings.method;
  const what =
    record.command === "distill"
      ? `${method === "diff-instruct" ? "Diff-Instruct" : "DisBack"}`
      : record.command;
  return record.preset ? `${what}: ${record.preset}` : `${what} run`;
}

function subtitle(record: RunRecord): string {
  const started = record.startedAt.replace("T", " ").slice(0, 16);
  return `${record.state}, started ${started} UTC, seed ${record.seed}, ${record.machine.cores ?? "?"} cores (${record.machine.processor ?? "unknown processor"})`;
}

function howMeasured(record: RunRecord): string {
  const note = record.result?.measuredWith;
  return typeof note === "string" ? `<p class="how">${escapeHtml(note)}</p>` : "";
}

/** The best model and where it is; where numbers went wrong. */
function whatHappened(record: RunRecord, best: ReturnType<typeof readBest>): string {
  const lines = (record.rollBacks ?? []).map(
    ({ reason, to, factor }) =>
      `${reason}; went on from iteration ${to} with ${factor} times the learning rate.`,
  );
  if (record.failure) lines.push(`Failed: ${record.failure.message}`);
  if (best) {
    const name = FIGURE_NAMES[best.figure] ?? best.figure;
    lines.unshift(
      `Best: ${name} ${shortNumber(best.value)} at iteration ${best.iteration}, kept in ${best.name}/.`,
    );
  }
  return lines.map((line) => `<p class="how">${escapeHtml(line)}</p>`).join("\n");
}

function section(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2>\n${content}</section>`;
}

function figure(chart: ReturnType<typeof chartsOf>[number]): string {
  return `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${chartSvg(chart)}</figure>`;
}

function settings(record: RunRecord): string {
  const surroundings = [
    ["command", `disback ${record.command}`],
    ...flattenRows(record.versions, "version."),
    ...flattenRows(record.machine),
  ] as [string, string][];
  return `<div class="tables">${rowsTable(flattenRows(record.settings))}${rowsTable(surroundings)}</div>`;
}

function metricsTable(entries: readonly MetricsEntry[]): string {
  if (entries.length === 0) return "";
  const names = [...new Set(entries.flatMap((entry) => Object.keys(entry)))];
  const cell = (value: string | number | undefined) =>
    typeof value === "number"
      ? `<td class="number">${shortNumber(value)}</td>`
      : `<td>${escapeHtml(value ?? "")}</td>`;
  const head = names.map(
    (name) => `<th scope="col"${name === "stage" ? "" : ' class="number"'}>${escapeHtml(name)}</th>`,
  );
  const rows = entries.map((entry) => `<tr>${names.map((name) => cell(entry[name])).join("")}</tr>`);
  return `<details><summary>All evaluations</summary><div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`;
}
