import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { shortNumber } from "../format.ts";

/** One line of a chart. */
export interface ChartLine {
  name: string;
  values: (number | null)[];
  /** Custom property of the style sheet, `--line-1`. */
  colour: string;
  dash?: number[];
  steps?: boolean;
  /** Connect over missing values, for lines that share their x values with others. */
  gapless?: boolean;
}

export interface ChartProps {
  title: string;
  /** Ascending. */
  x: number[];
  xName: string;
  lines: ChartLine[];
  logarithmic?: boolean;
  height?: number;
  show?: (value: number) => string;
  /** The end of the shaded range from the left edge: the stages before the last. */
  shadedTo?: number | undefined;
  /** Charts with the same name share their cursor. */
  group?: string;
  /** Called when a range was chosen by dragging. */
  onZoom?: (from: number, to: number) => void;
  /** The value under the pointer or, by keys, of the threshold. */
  onLevel?: (value: number) => void;
  /** Horizontal line. */
  level?: number | undefined;
}

/**
 * An accessible chart: its caption states first, last, lowest and highest value. The arrow keys move the cursor from
 * point to point, which is read out.
 */
export function Chart(props: ChartProps) {
  const { title, x, lines, show = shortNumber } = props;
  const place = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLOutputElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const scheme = useColourScheme();
  // A new number of lines or kind of axis needs a new plot; new values do not.
  const kind = [
    scheme,
    props.logarithmic,
    props.height,
    ...lines.map((line) => `${line.name}${line.colour}`),
  ].join();

  useEffect(() => {
    const element = place.current!;
    const readOut = (text: string) => {
      if (readout.current) readout.current.textContent = text;
    };
    const drawn = new uPlot(optionsOf(latest, element, readOut), dataOf(latest.current), element);
    plot.current = drawn;
    const watch = new ResizeObserver(() =>
      drawn.setSize({ width: element.clientWidth, height: drawn.height }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      drawn.destroy();
    };
  }, [kind]);

  useEffect(() => plot.current?.setData(dataOf(latest.current)), [x, lines, kind]);
  useEffect(() => plot.current?.redraw(false), [props.level, props.shadedTo]);

  return (
    <figure class="chart">
      <figcaption>
        <span>
          {title}
          {lines.map((line) => line.dash && <DashedKey key={line.name} line={line} show={show} />)}
        </span>
        <output ref={readout} aria-live="off" />
      </figcaption>
      <div
        ref={place}
        class="plot"
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move along the curve
        tabIndex={0}
        aria-label={`${title}. ${summary(x, lines, show, props.xName)} Arrow keys move along it.`}
        onKeyDown={(event) => moveCursor(event, plot.current, latest.current, readout.current)}
      />
    </figure>
  );
}

/** Label of the reference line. */
function DashedKey({ line, show }: { line: ChartLine; show: (value: number) => string }) {
  const value = line.values.find((one) => typeof one === "number");
  return (
    <span class="dashed">
      {line.name} {typeof value === "number" && show(value)}
    </span>
  );
}

function dataOf({ x, lines }: ChartProps): uPlot.AlignedData {
  return [x, ...lines.map((line) => line.values)] as uPlot.AlignedData;
}

function optionsOf(
  latest: { current: ChartProps },
  element: HTMLElement,
  readOut: (text: string) => void,
): uPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const { lines, logarithmic, height = 180, group } = latest.current;
  const axis = {
    stroke: colour("--quiet"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { stroke: colour("--grid"), width: 1, size: 4 },
  };
  return {
    width: element.clientWidth || 300,
    height,
    legend: { show: false },
    cursor: {
      y: latest.current.onLevel !== undefined,
      drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false },
      ...(group === undefined ? {} : { sync: { key: group } }),
      points: { size: 7 },
    },
    scales: {
      x: { time: false },
      y: { distr: logarithmic ? 3 : 1 },
    },
    axes: [
      { ...axis, size: 32, values: (_, ticks) => ticks.map(shortTick) },
      {
        ...axis,
        size: 58,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : showTick(latest.current, tick))),
      },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.name,
          stroke: colour(line.colour),
          width: 1.75,
          spanGaps: line.gapless ?? false,
          ...(line.dash ? { dash: line.dash } : {}),
          ...(line.steps ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
          points: { show: (plot) => !line.dash && plot.data[0].length <= 60, size: 5 },
        }),
      ),
    ],
    hooks: {
      drawClear: [(plot) => shade(plot, latest.current, colour("--shade"))],
      draw: [(plot) => drawLevel(plot, latest.current, colour("--accent"))],
      setCursor: [
        (plot) => {
          readOut(cursorText(plot, latest.current));
          const { onLevel } = latest.current;
          const { top, left } = plot.cursor;
          // The group's other charts also move their cursors; only the one under the pointer sets a level.
          if (onLevel && top !== undefined && top >= 0 && left !== undefined && left >= 0)
            onLevel(plot.posToVal(top, "y"));
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width > 4) latest.current.onZoom?.(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function shortTick(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1e4 ? `${Number((value / 1e3).toPrecision(3))}k` : String(value);
}

function showTick({ show = shortNumber }: ChartProps, value: number): string {
  return show(value);
}

function cursorText(plot: uPlot, { lines, xName, show = shortNumber }: ChartProps): string {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined) return "";
  const values = lines.flatMap((line) => {
    const value = line.values[idx];
    return typeof value === "number" ? [lines.length > 1 ? `${line.name} ${show(value)}` : show(value)] : [];
  });
  return values.length > 0 && values.length < 4
    ? `${values.join(", ")} at ${shortNumber(plot.data[0][idx]!)} ${xName}`
    : "";
}

function shade(plot: uPlot, { shadedTo }: ChartProps, colour: string): void {
  if (shadedTo === undefined) return;
  const { left, top, height, width } = plot.bbox;
  const end = Math.min(plot.valToPos(shadedTo, "x", true), left + width);
  plot.ctx.fillStyle = colour;
  if (end > left) plot.ctx.fillRect(left, top, end - left, height);
}

function drawLevel(plot: uPlot, { level }: ChartProps, colour: string): void {
  if (level === undefined) return;
  const at = plot.valToPos(level, "y", true);
  const { left, width, top, height } = plot.bbox;
  if (at < top || at > top + height) return;
  plot.ctx.save();
  plot.ctx.strokeStyle = colour;
  plot.ctx.lineWidth = devicePixelRatio;
  plot.ctx.setLineDash([6, 4]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(left, at);
  plot.ctx.lineTo(left + width, at);
  plot.ctx.stroke();
  plot.ctx.restore();
}

/** Left and right move from value to value, Home and End to the ends. The value is read out. */
function moveCursor(
  event: KeyboardEvent,
  plot: uPlot | undefined,
  props: ChartProps,
  readout: HTMLOutputElement | null,
) {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  };
  const step = steps[event.key];
  if (!plot || step === undefined || props.x.length === 0) return;
  event.preventDefault();
  const before = plot.cursor.idx ?? (step > 0 ? -1 : props.x.length);
  const index = Math.min(props.x.length - 1, Math.max(0, before + step));
  const value = props.lines.map((line) => line.values[index]).find((one) => typeof one === "number");
  plot.setCursor({
    left: plot.valToPos(props.x[index]!, "x"),
    top: typeof value === "number" ? plot.valToPos(value, "y") : 0,
  });
  readout?.setAttribute("aria-live", "polite");
}

function summary(x: number[], lines: ChartLine[], show: (value: number) => string, xName: string): string {
  return lines
    .map(({ name, values }) => {
      const there = values.flatMap((value, i) =>
        typeof value === "number" ? [[x[i]!, value] as const] : [],
      );
      const [first, last] = [there[0], there.at(-1)];
      if (!first || !last) return `${name}: no values.`;
      let [low, high] = [first[1], first[1]];
      for (const [, value] of there) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return `${name}: from ${show(first[1])} to ${show(last[1])} at ${shortNumber(last[0])} ${xName}; lowest ${show(low)}, highest ${show(high)}.`;
    })
    .join(" ");
}

/** Canvases do not follow the style sheet automatically. */
function useColourScheme(): string {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const follow = () => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return isDark ? "dark" : "light";
}
