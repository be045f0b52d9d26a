import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import sharp from "sharp";
import { writeFileAtomically } from "../atomic-file.js";
import { type ChartTheme, chartHeight, chartSvg, WIDTH } from "../report/chart-svg.js";
import { escapeHtml } from "../report/markup.js";
import { chartsOfCase, type NamedChart } from "./charts.js";
import type { ComparisonDocument } from "./document.js";

/** Colours of separate pictures: dark on white, readable in print. */
const PRINT: ChartTheme = {
  ink: "#1d1c1a",
  muted: "#6b6963",
  line: "#e4e2dc",
  series: ["#2a6fc9", "#cf5a2a", "#15805a", "#8a4fc2", "#a8791a", "#c23c73"],
};
const TITLE_HEIGHT = 54;

/** Writes every chart as SVG and as PNG: `<folder>/<student>/<chart>.{svg,png}`; earlier ones are replaced. */
export async function writePlots(folder: string, document: ComparisonDocument): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  for (const part of document.cases) {
    const student = basename(part.student);
    mkdirSync(join(folder, student), { recursive: true });
    for (const chart of chartsOfCase(document, part)) {
      const svg = standaloneSvg(chart, student);
      const path = join(folder, student, chart.file);
      writeFileAtomically(`${path}.svg`, svg);
      writeFileAtomically(`${path}.png`, await sharp(Buffer.from(svg), { density: 144 }).png().toBuffer());
    }
  }
}

/** The chart with its title, on white. */
function standaloneSvg(chart: NamedChart, student: string): string {
  const drawn = chartHeight(chart);
  const height = drawn + TITLE_HEIGHT;
  const inner = chartSvg(chart, PRINT).replace(
    "<svg ",
    `<svg y="${TITLE_HEIGHT}" width="${WIDTH}" height="${drawn}" `,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="system-ui, sans-serif">
<text x="16" y="22" font-size="14" font-weight="600" fill="${PRINT.ink}">${escapeHtml(chart.title)}</text>
<text x="16" y="40" font-size="12" fill="${PRINT.muted}">${escapeHtml(`student: ${student}`)}</text>
</g>
${inner}
</svg>
`;
}
