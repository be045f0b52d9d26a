import { writeFileAtomically } from "../atomic-file.js";
import { chartSvg } from "../report/chart-svg.js";
import { escapeHtml, flattenRows, htmlPage, rowsTable } from "../report/markup.js";
import { STYLE } from "../report/style.js";
import { shortBytes, shortNumber } from "../wording.js";
import { chartsOfCase } from "./charts.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { costTable, figureName, overviewTable, speedUpTable, sweepTable } from "./page-tables.js";
import { studentText } from "./wording.js";

/** Writes the comparison as one HTML file without scripts or outside requests. */
export function writePage(path: string, document: ComparisonDocument): void {
  writeFileAtomically(path, renderPage(document));
}

function renderPage(document: ComparisonDocument): string {
  const { settings, machine, versions } = document;
  const title = `Comparison${document.preset ? `: ${document.preset}` : ""}`;
  const rules = {
    paper: "one set of hyper-parameters for all methods",
    best: `each method at its best learning rates, chosen on seeds ${settings.learningRates?.seeds.join(", ")}`,
  };
  const main = `<p class="subtitle">${escapeHtml(`teacher ${settings.teacher}; seeds ${settings.seeds.join(", ")}; protocol ${settings.protocol}: ${rules[settings.protocol]}; ${machine.cores ?? "?"} cores (${machine.processor ?? "unknown processor"}), ${settings.threads} thread per run`)}</p>
<section><h2>Overview</h2>${overviewTable(document)}<p class="how">The teacher's ${figureName(document)}: ${shortNumber(document.teacher[document.figure]!)}.</p></section>
${document.cases.map((part) => caseSection(document, part)).join("\n")}
<section><h2>How to read this</h2>
<ul class="how">
<li>${escapeHtml(`A level is a ${figureName(document)} on the way from the start's to the teacher's, in the logarithm: 50% of the way from 300 to 3 is 30. Each seed has its own start, and so its own levels.`)}</li>
<li>A level counts as reached when the figure first falls to it; between two evaluations it is taken to fall evenly in the logarithm.</li>
<li>A speed-up is the baseline's cost over the method's for the same seed: above 1× the method is faster. Median over seeds, lowest to highest in brackets.</li>
<li><b>never</b>: the method did not get there and the baseline did; (&lt;0.8×) is what the speed-up would be had it got there with its last step. <b>&gt;1.9×</b>: only the method got there. <b>neither</b>: nothing can be said. None of them is left out of the median: never counts as slowest.</li>
<li>Preparation is what comes before the first step of the distillation: imitation and recording. Seconds are those of training steps; evaluations and saving are not counted. "Preparation counted" in iterations: as the student steps that would have taken as long.</li>
<li>Runs side by side on one machine disturb each other's seconds; the methods of a seed run at the same time, so that all suffer alike. Processor seconds, of all threads of a run, are disturbed less; preparation in iterations is counted by them.</li>
</ul>
<p class="how">${escapeHtml(document.measuredWith)}</p>
</section>
<section><h2>Settings</h2><div class="tables">${rowsTable(flattenRows(settings))}${rowsTable([...flattenRows(versions, "version."), ...flattenRows(machine), ...flattenRows(document.teacher, "teacher.")])}</div></section>`;
  return htmlPage({ title, style: STYLE + OWN_STYLE, main });
}

function caseSection(document: ComparisonDocument, part: StudentCase): string {
  const charts = chartsOfCase(document, part).map(
    (chart) => `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${chartSvg(chart)}</figure>`,
  );
  return `<section><h2>Student: ${escapeHtml(part.student)}</h2>
<p class="subtitle">${escapeHtml(caseSubtitle(part))}</p>
<div class="charts">${charts.join("\n")}</div>
<h3>Speed-up over the baseline</h3>
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
.faster { color: var(--faster); font-weight: 560; }
.slower { color: var(--slower); font-weight: 560; }
.muted { color: var(--muted); }
ul.how { padding-left: 1.1rem; }
.how li { margin-bottom: .3rem; }
a { color: inherit; }
`;
