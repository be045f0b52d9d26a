import { useEffect, useRef, useState } from "preact/hooks";
import { getPoints } from "../server.ts";

/** Cells of the density along each side. */
const CELLS = 90;
const TWEEN_MILLISECONDS = 500;

interface CloudProps {
  run: string;
  /** File of the student's points. */
  points: string;
  /** File of the teacher's. */
  reference: string | undefined;
  /** Custom property of the style sheet for the points. */
  colour: "--line-1" | "--line-2";
  label: string;
}

/** Points of the plane over the teacher's density. Each point keeps its latent over time, so it can be animated. */
export function Cloud({ run, points, reference, colour, label }: CloudProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef<Float32Array | undefined>(undefined);
  const density = useRef<Density | undefined>(undefined);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isOver = false;
    const come = async () => {
      try {
        if (reference !== undefined) density.current ??= densityOf(await cached(run, reference));
        const next = await cached(run, points);
        if (isOver) return;
        density.current ??= { extent: extentOf(next), cells: new Float32Array(CELLS * CELLS) };
        const before = shown.current?.length === next.length ? shown.current : next;
        shown.current = next;
        setProblem("");
        move(canvas.current!, density.current, colour, [before, next], () => isOver);
      } catch (error) {
        if (!isOver) setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    void come();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => shown.current && draw(canvas.current!, density.current!, colour, shown.current);
    scheme.addEventListener("change", redraw);
    return () => {
      isOver = true;
      scheme.removeEventListener("change", redraw);
    };
  }, [run, points, reference]);
  return (
    <>
      <canvas ref={canvas} class="cloud" width={800} height={800} role="img" aria-label={label} />
      {problem !== "" && <p role="alert">{problem}</p>}
    </>
  );
}

interface Density {
  /** Axes run from -extent to extent. */
  extent: number;
  /** In [0, 1], row by row from the top. */
  cells: Float32Array;
}

const cache = new Map<string, Promise<Float32Array>>();

/** Caches the last few dozen files, so that the slider does not wait. */
function cached(run: string, file: string): Promise<Float32Array> {
  const key = `${run}\n${file}`;
  const known = cache.get(key);
  if (known) return known;
  const points = getPoints(run, file);
  points.catch(() => cache.delete(key));
  cache.set(key, points);
  if (cache.size > 64) cache.delete(cache.keys().next().value!);
  return points;
}

/** The range of 99 % of the coordinates, with a margin. */
function extentOf(points: Float32Array): number {
  const sizes = points.map(Math.abs).sort();
  return 1.35 * (sizes[Math.floor(sizes.length * 0.99)] || 1);
}

/** A histogram, smoothed by three passes of a moving mean in each direction: nearly Gaussian. */
function densityOf(points: Float32Array): Density {
  const extent = extentOf(points);
  let cells: Float32Array = new Float32Array(CELLS * CELLS);
  const cell = (value: number) => Math.floor(((value + extent) / (2 * extent)) * CELLS);
  for (let i = 0; i < points.length; i += 2) {
    const [column, row] = [cell(points[i]!), cell(-points[i + 1]!)];
    if (column >= 0 && column < CELLS && row >= 0 && row < CELLS) cells[row * CELLS + column]!++;
  }
  for (let pass = 0; pass < 3; pass++) cells = smoothed(smoothed(cells, 1, CELLS), CELLS, 1);
  const highest = cells.reduce((a, b) => Math.max(a, b), 0) || 1;
  return { extent, cells: cells.map((value) => value / highest) };
}

function smoothed(cells: Float32Array, step: number, across: number): Float32Array {
  const result = new Float32Array(cells.length);
  for (let line = 0; line < CELLS; line++)
    for (let i = 0; i < CELLS; i++) {
      let [sum, count] = [0, 0];
      for (let j = Math.max(0, i - 1); j <= Math.min(CELLS - 1, i + 1); j++) {
        sum += cells[line * across + j * step]!;
        count++;
      }
      result[line * across + i * step] = sum / count;
    }
  return result;
}

function move(
  canvas: HTMLCanvasElement,
  density: Density,
  colour: string,
  [from, to]: readonly [Float32Array, Float32Array],
  isOver: () => boolean,
): void {
  if (from === to || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    draw(canvas, density, colour, to);
    return;
  }
  const began = performance.now();
  const between = new Float32Array(to.length);
  const frame = (now: number) => {
    if (isOver()) return;
    const part = Math.min(1, (now - began) / TWEEN_MILLISECONDS);
    const eased = part * part * (3 - 2 * part);
    for (let i = 0; i < to.length; i++) between[i] = from[i]! + (to[i]! - from[i]!) * eased;
    draw(canvas, density, colour, between);
    if (part < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

function draw(
  canvas: HTMLCanvasElement,
  { extent, cells }: Density,
  colour: string,
  points: Float32Array,
): void {
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.drawImage(pictureOf(cells, style.getPropertyValue("--line-2").trim()), 0, 0, width, height);
  context.globalAlpha = 0.55;
  context.fillStyle = style.getPropertyValue(colour).trim();
  for (let i = 0; i < points.length; i += 2) {
    const x = ((points[i]! + extent) / (2 * extent)) * width;
    const y = ((extent - points[i + 1]!) / (2 * extent)) * height;
    context.fillRect(x - 1.75, y - 1.75, 3.5, 3.5);
  }
  context.globalAlpha = 1;
}

/** One pixel per cell; scaling makes it smooth. */
function pictureOf(cells: Float32Array, colour: string): HTMLCanvasElement {
  const picture = document.createElement("canvas");
  picture.width = CELLS;
  picture.height = CELLS;
  const context = picture.getContext("2d")!;
  context.fillStyle = colour;
  for (const [i, value] of cells.entries()) {
    if (value < 0.005) continue;
    context.globalAlpha = 0.75 * Math.sqrt(value);
    context.fillRect(i % CELLS, Math.floor(i / CELLS), 1, 1);
  }
  return picture;
}
