import { join } from "node:path";
import { writeFileAtomically } from "../atomic-file.js";
import { chartSvg } from "../report/chart-svg.js";
import { escapeHtml, flattenRows, htmlPage, rowsTable } from "../report/markup.js";
import { viewerScript } from "../report/script.js";
import { STYLE } from "../report/style.js";
import { shortBytes, shortNumber } from "../wording.js";
import { chartsOfCase } from "./charts.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { samplesAtEqualCost } from "./equal-cost.js";
import { costTable, figureName, overviewTable, speedUpTable, sweepTable } from "./page-tables.js";
import { verdictOf } from "./verdict.js";
import { studentText } from "./wording.js";

/** Writes `compare.html` of a comparison: one file without outside requests. The result comes first, tables last. */
export function writePage(out: string, document: ComparisonDocument): string {
  const path = join(out, "compare.html");
  writeFileAtomically(path, renderPage(out, document));
  return path;
}

function renderPage(out: string, document: ComparisonDocument): string {
  const { settings, machine, versions } = document;
  const title = `Comparison${document.preset ? `: ${document.preset}` : ""}`;
  const rules = {
    paper: "one set of hyper-parameters for all methods",
    best: `each method at its best learning rates, chosen on seeds ${settings.learningRates?.seeds.join(", ")}`,
  };
  const single = document.cases.length === 1;
  const main = `${document.cases.map((part) => `<p class="sentence">${single ? "" : `<b>${escapeHtml(part.student)}:</b> `}${escapeHtml(verdictOf(document, part))}</p>`).join("\n")}
<p class="subtitle">${escapeHtml(`teacher ${settings.teacher}, ${figureName(document)} ${shortNumber(document.teacher[document.figure]!)}; seeds ${settings.seeds.join(", ")}; protocol ${settings.protocol}: ${rules[settings.protocol]}; ${machine.cores ?? "?"} cores (${machine.processor ?? "unknown processor"}), ${settings.threads} thread per run`)}</p>
${document.cases.map((part) => caseSection(out, document, part)).join("\n")}
<section><h2>All methods in figures</h2>${overviewTable(document)}</section>
${document.cases.map((part) => caseTables(document, part)).join("\n")}
<section><h2>How to read this</h2>
<ul class="how">
<li>${escapeHtml(`A level is a ${figureName(document)} on the way from the start's to the teacher's, in the logarithm: 50% of the way from 300 to 3 is 30. Each seed has its own start, and so its own levels.`)}</li>
<li>A level counts as reached when the figure first falls to it; between two evaluations it is taken to fall evenly in the logarithm.</li>
<li>A speed-up is the baseline's cost over the method's for the same seed: above 1× the method is faster. Median over seeds, lowest to highest in brackets.</li>
<li><b>not reached</b>: the method did not get there and the baseline did; "below 0.8×" is what the speed-up would be had it got there with its last step. <b>&gt;1.9×</b>: only the method got there. <b>neither</b>: nothing can be said. None of them is left out of the median: not reached counts as slowest.</li>
<li>Preparation is what comes before the first step of the distillation: imitation and recording. Seconds are those of training steps; evaluations and saving are not counted. "Preparation counted" in iterations: as the student steps that would have taken as long.</li>
<li>Runs side by side on one machine disturb each other's seconds; the methods of a seed run at the same time, so that all suffer alike. Processor seconds, of all threads of a run, are disturbed less; preparation in iterations is counted by them.</li>
</ul>
<p class="how">${escapeHtml(document.measuredWith)}</p>
</section>
<details><summary>Settings</summary><div class="tables">${rowsTable(flattenRows(settings))}${rowsTable([...flattenRows(versions, "version."), ...flattenRows(machine), ...flattenRows(document.teacher, "teacher.")])}</div></details>`;
  return htmlPage({ title, style: STYLE + OWN_STYLE, main, script: viewerScript() });
}

/** What there is to look at: samples, then the most telling curves, then the others. */
function caseSection(out: string, document: ComparisonDocument, part: StudentCase): string {
  const charts = chartsOfCase(document, part).map(
    (chart) => `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${chartSvg(chart)}</figure>`,
  );
  const [shown, more] = [charts.slice(0, CURVES_SHOWN), charts.slice(CURVES_SHOWN)];
  return `<section><h2>Student: ${escapeHtml(part.student)}</h2>
<p class="subtitle">${escapeHtml(caseSubtitle(part))}</p>
${samplesAtEqualCost(out, document, part)}
<h3>Curves</h3>
<div class="charts">${shown.join("\n")}</div>
${more.length > 0 ? `<details><summary>More curves</summary><div class="charts">${more.join("\n")}</div></details>` : ""}
</section>`;
}

/** By steps and by seconds, preparation counted. */
const CURVES_SHOWN = 2;

function caseTables(document: ComparisonDocument, part: StudentCase): string {
  return `<section><h2>Speed-up over the baseline, student: ${escapeHtml(part.student)}</h2>
${speedUpTable(document, part)}
<details><summary>What it took, seed by seed</summary>${costTable(document, part)}</details>
${part.runs.some((one) => one.sweep) ? `<details><summary>Sweep of learning rates</summary>${sweepTable(part)}</details>` : ""}
</section>`;
}

function caseSubtitle(part: StudentCase): string {
  const { teacherBytes, studentBytes, samplesPerSecond } = part.models;
  const teacher = teacherBytes === undefined ? "" : ` (teacher ${shortBytes(teacherBytes)})`;
  return [
    studentText(part.student),
    ...(studentBytes === undefined ? [] : [shortBytes(studentBytes) + teacher]),
    ...(samplesPerSecond === undefined ? [] : [`${shortNumber(samplesPerSecond)} samples/s in one step`]),
  ].join("; ");
}

const OWN_STYLE = `
:root { --faster: #15805a; --slower: #b3452a; }
@media (prefers-color-scheme: dark) { :root { --faster: #4fbf92; --slower: #ee8a5f; } }
h3 { font-size: .98rem; margin: 1.6rem 0 .5rem; font-weight: 600; }
section > .subtitle { margin: -.5rem 0 1rem; }
td { min-width: 4.6rem; }
td:nth-child(-n+2) { white-space: nowrap; }
td small { display: block; color: var(--muted); font-size: .82em; white-space: nowrap; }
.even { font-weight: 560; }
.methods .pair { grid-template-columns: repeat(var(--columns-wide), minmax(0, 22rem)); max-width: none; }
.result.methods .pair:has(figure:only-child) { max-width: none; }
.charts + details .charts { margin-top: 1rem; }
.scroll { position: relative; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--page); }
.faster { color: var(--faster); font-weight: 560; }
.slower { color: var(--slower); font-weight: 560; }
.muted { color: var(--muted); }
ul.how { padding-left: 1.1rem; }
.how li { margin-bottom: .3rem; }
a { color: inherit; }
@media (max-width: 900px) { .methods .pair { grid-template-columns: repeat(var(--columns-middle), minmax(0, 22rem)); } }
@media (max-width: 620px) {
  .methods .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  th { vertical-align: bottom; }
  td:nth-child(2) { white-space: normal; min-width: 6rem; }
  th, td { padding-right: .7rem; }
}
`;
