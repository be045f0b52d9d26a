import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { shortNumber } from "../wording.js";
import type { ChartContent, Curve } from "./curves.js";
import { escapeHtml } from "./markup.js";

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

/** Size of every chart, without a long legend below it. */
export const WIDTH = 560;
const HEIGHT = 280;

/** A colour for each role in a chart. */
export interface ChartTheme {
  ink: string;
  muted: string;
  line: string;
  series: readonly string[];
}

/** The page's colours, dark or light as the reader's system. */
export const PAGE_THEME: ChartTheme = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  line: "var(--line)",
  series: [1, 2, 3, 4, 5, 6].map((number) => `var(--series-${number})`),
};

/**
 * ECharts writes fixed colours and does not accept CSS variables. So each role is drawn in a unique colour, which is
 * then replaced by the theme's.
 */
const [INK, MUTED, LINE, ...SERIES] = Array.from({ length: 9 }, (_, role) => `#01020${role + 1}`) as [
  string,
  string,
  string,
  ...string[],
];

/** Height of a chart with its legend. */
export function chartHeight(chart: ChartContent): number {
  return HEIGHT + legendBelow(legendNames(chart)).height;
}

/** Draws a chart as SVG markup (no script, no outside request), by default in the page's colours. */
export function chartSvg(chart: ChartContent, theme: ChartTheme = PAGE_THEME): string {
  return drawChart(chart, theme).svg;
}

/** A chart as SVG markup, and its curves' points: x and y in the drawing, and the measured x and y. */
export function drawChart(
  chart: ChartContent,
  theme: ChartTheme = PAGE_THEME,
): { svg: string; curves: { name: string; points: [number, number, number, number][] }[] } {
  const canvas = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: chartHeight(chart) });
  try {
    canvas.setOption(chartOption(chart));
    let svg = canvas.renderToSVGString();
    const colours = [theme.ink, theme.muted, theme.line, ...theme.series];
    for (const [role, placeholder] of [INK, MUTED, LINE, ...SERIES].entries()) {
      svg = svg.replaceAll(placeholder, colours[role]!);
    }
    const label = `${chart.title}: ${legendNames(chart).join(", ")}`;
    return {
      svg: withoutHovering(svg).replace(
        /^<svg width="\d+" height="\d+"/,
        `<svg role="img" aria-label="${escapeHtml(label)}"`,
      ),
      curves: chart.curves.map(({ name, points }, seriesIndex) => ({
        name,
        points: points.map(([x, y]) => {
          const [left, top] = canvas.convertToPixel({ seriesIndex }, [x, y]) as [number, number];
          return [left, top, x, y];
        }),
      })),
    };
  } finally {
    canvas.dispose();
  }
}

function legendNames(chart: ChartContent): string[] {
  return chart.curves.filter((curve) => !curve.faint).map((curve) => curve.name);
}

/** Removes ECharts' pointer styles, which a static picture does not need. */
function withoutHovering(svg: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/ (?:ecmeta_\w+|class|pointer-events)="[^"]*"/g, "");
}

function chartOption(chart: ChartContent): Record<string, unknown> {
  const values = chart.curves.flatMap((curve) => curve.points.map((point) => point[1]));
  if (chart.reference) values.push(chart.reference.value);
  if (chart.inView) values.push(...chart.inView);
  // A logarithmic axis needs a large range; otherwise it has too few ticks.
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const logarithmic = Boolean(chart.logarithmic) && lowest > 0 && (highest > 8 * lowest || chart.inView);
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: { fontFamily: "system-ui, sans-serif" },
    ...frame(legendNames(chart)),
    xAxis: {
      type: "value",
      name: chart.xName,
      nameLocation: "middle",
      nameGap: 28,
      nameTextStyle: { color: MUTED },
      axisLabel: { color: MUTED },
      axisLine: { lineStyle: { color: MUTED } },
      splitLine: { show: false },
    },
    yAxis: {
      axisLine: { show: false },
      axisLabel: { color: MUTED, formatter: tickFormat(highest - lowest) },
      splitLine: { lineStyle: { color: LINE } },
      ...(logarithmic ? logarithmicAxis(values) : linearAxis(chart)),
    },
    series: chart.curves.map((curve, index) => ({
      type: "line",
      ...look(curve, index),
      name: curve.name,
      data: curve.points,
      step: curve.steps ? "end" : false,
      showSymbol: curve.points.length <= 30 && !curve.steps && !curve.faint,
      symbolSize: 6,
      markLine: index === 0 && chart.reference ? referenceLine(chart.reference) : undefined,
    })),
  };
}

/** When the colours are used up, lines differ by dashes and symbols. */
const LOOKS = [
  { dashes: "solid", symbol: "circle" },
  { dashes: "dashed", symbol: "triangle" },
  { dashes: "dotted", symbol: "rect" },
] as const;

/** Colour, dashes and symbol of the line with this index. */
function look({ colour, faint }: Curve, index: number) {
  const number = colour ?? index;
  const { dashes, symbol } = LOOKS[Math.floor(number / SERIES.length) % LOOKS.length]!;
  return {
    color: SERIES[number % SERIES.length],
    symbol,
    lineStyle: { ...(faint ? { width: 1, opacity: 0.35 } : { width: 2 }), type: dashes },
  };
}

/** Largest number of names above the plot; more go below it, in columns. */
const MOST_ABOVE = 5;

/** A legend below the plot: its names by column, the columns' width, and the height; none if the names stand above it. */
function legendBelow(names: readonly string[]) {
  if (names.length <= MOST_ABOVE) return { columns: [], width: 0, height: 0 };
  const widest = 50 + 6.5 * Math.max(...names.map((name) => name.length));
  const count = Math.max(1, Math.floor((WIDTH - 16) / widest));
  const rows = Math.ceil(names.length / count);
  const columns = Array.from({ length: count }, (_, index) => names.slice(index * rows, (index + 1) * rows));
  return { columns, width: (WIDTH - 16) / count, height: 10 + 18 * rows };
}

/** Positions of plot and legend. The legend is above if it fits in two lines, else below. */
function frame(names: string[]): Record<string, unknown> {
  const left = 56;
  if (names.length < 2) return { grid: { left, right: 20, top: 16, bottom: 44 } };
  const legend = { textStyle: { color: INK }, itemWidth: 16, data: names };
  const { columns, width, height } = legendBelow(names);
  if (columns.length > 0) {
    return {
      grid: { left, right: 20, top: 16, bottom: 44 + height },
      legend: columns.map((data, index) => ({
        ...legend,
        ...{ data, orient: "vertical", left: 8 + index * width, top: HEIGHT + 4, itemHeight: 8, itemGap: 7 },
        textStyle: { color: INK, fontSize: 11 },
      })),
    };
  }
  // With the added blanks, a name takes about ten pixels per letter.
  const wanted = names.reduce((sum, name) => sum + 50 + 10 * name.length, 0);
  const rows = Math.ceil(wanted / (WIDTH - 48));
  return {
    grid: { left, right: 20, top: 12 + 24 * rows, bottom: 44 },
    legend: {
      ...legend,
      ...{ top: 0, left: 48, icon: "roundRect", itemHeight: 8, itemGap: 16 },
      // ECharts underestimates text widths here; blanks compensate.
      formatter: (name: string) => name + "\u00a0".repeat(2 + Math.ceil(name.length / 3)),
    },
  };
}

function referenceLine(reference: { name: string; value: number }): Record<string, unknown> {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: MUTED, type: "dashed", width: 1.5 },
    label: {
      position: "insideStartTop",
      color: INK,
      formatter: `${reference.name} ${shortNumber(reference.value)}`,
    },
    data: [{ yAxis: reference.value }],
  };
}

/** Numbers on an axis: with as many decimals as neighbours need to differ. @param span from the lowest to the highest value */
export function tickFormat(span: number): (value: number) => string {
  // An axis has five ticks or more.
  const decimals = Math.max(0, -Math.floor(Math.log10(span / 5)));
  return (value) =>
    span > 0 && decimals <= 6 && Math.abs(value) < 1e9
      ? value.toLocaleString("en", { maximumFractionDigits: decimals })
      : shortNumber(value);
}

function linearAxis(chart: ChartContent): Record<string, unknown> {
  return { type: "value", scale: true, ...(chart.whole ? { minInterval: 1 } : {}) };
}

/**
 * ECharts' own logarithmic axes use whole powers of ten, which is too coarse for a curve that spans two. This marks 1,
 * 2 and 5 of each.
 */
function logarithmicAxis(values: number[]): Record<string, unknown> {
  const min = Math.min(...values) * 0.8;
  const max = Math.max(...values) * 1.25;
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    for (const digit of [1, 2, 5]) marks.push(Number((digit * 10 ** power).toPrecision(1)));
  }
  const customValues = marks.filter((mark) => mark >= min && mark <= max);
  return {
    type: "log",
    min,
    max,
    axisLabel: { color: MUTED, formatter: shortNumber, customValues },
    axisTick: { show: false, customValues },
  };
}
