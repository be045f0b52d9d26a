import type { Tensor } from "@disback/torch";
import sharp from "sharp";
import { DisbackError } from "../../errors.js";
import { readFloats } from "./read-floats.js";
import { replaceFile } from "./replace-file.js";
import { escapeXml } from "./title.js";

/** Layout of a scatter plot. All fields are optional. */
export interface ScatterOptions {
  /** axes are [-extent, extent] in both directions whatever the points are; default 1.5, which fits the toy data */
  extent?: number;
  /** side of the plot in pixels; default 480 */
  size?: number;
  /** points drawn in grey underneath, such as data or the teacher's samples: `[M, 2]` */
  reference?: Tensor;
  /** one line of text above */
  title?: string;
}

const maximumPoints = 5000;
const titleHeight = 30;

/** Circles for the first points of `[N, 2]`; those outside the axes are left out. */
function circles(points: ArrayLike<number>, extent: number, size: number): string {
  const parts: string[] = [];
  const count = Math.min(points.length / 2, maximumPoints);
  for (let index = 0; index < count; index++) {
    const x = points[2 * index]!;
    const y = points[2 * index + 1]!;
    if (!(Math.abs(x) <= extent && Math.abs(y) <= extent)) continue;
    const left = (((x + extent) / (2 * extent)) * size).toFixed(1);
    const top = (((extent - y) / (2 * extent)) * size).toFixed(1);
    parts.push(`<circle cx="${left}" cy="${top}" r="1.6"/>`);
  }
  return parts.join("");
}

/** Lines at the whole numbers (or at even steps of a large extent). */
function gridLines(extent: number, size: number): string {
  const step = 2 ** Math.max(-1, Math.ceil(Math.log2(extent / 3)));
  const lines: string[] = [];
  for (let place = Math.ceil(-extent / step) * step; place <= extent; place += step) {
    const at = (((place + extent) / (2 * extent)) * size).toFixed(1);
    lines.push(`<path d="M${at} 0V${size}M0 ${at}H${size}"/>`);
  }
  return lines.join("");
}

/**
 * A scatter plot as SVG.
 * @param points row-major `[N, 2]`; the first 5,000 are drawn
 */
export function scatterSvg(
  points: ArrayLike<number>,
  reference: ArrayLike<number>,
  { extent = 1.5, size = 480, title }: ScatterOptions = {},
): string {
  if (!(extent > 0) || !Number.isInteger(size) || size < 16)
    throw new DisbackError(
      `scatter: extent must be above 0 and size a whole number from 16, not ${extent} and ${size}`,
    );
  const top = title ? titleHeight : 0;
  const text = `<text x="8" y="20" font-family="sans-serif" font-size="14" fill="#222">${escapeXml(title ?? "")}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size + top}">` +
    `<rect width="100%" height="100%" fill="white"/>${title ? text : ""}<g transform="translate(0 ${top})">` +
    `<g stroke="#e4e4e4" stroke-width="1">${gridLines(extent, size)}</g>` +
    `<g fill="#b0b0b0" fill-opacity="0.6">${circles(reference, extent, size)}</g>` +
    `<g fill="#1f6fb4" fill-opacity="0.7">${circles(points, extent, size)}</g>` +
    `<rect x="0.5" y="0.5" width="${size - 1}" height="${size - 1}" fill="none" stroke="#888"/></g></svg>`
  );
}

function planePoints(samples: Tensor, what: string): ArrayLike<number> {
  if (samples.ndim !== 2 || samples.shape[1] !== 2)
    throw new DisbackError(
      `scatter: ${what} of shape [${samples.shape.join(", ")}] are not points of the plane [N, 2]`,
    );
  return readFloats(samples);
}

/**
 * Writes points of the plane as a PNG with fixed axes, so that pictures of one run can be compared.
 * @param samples `[N, 2]`; the first 5,000 are drawn, those outside the axes are not
 * @throws DisbackError if they are not points of the plane, or naming the file if it cannot be written
 */
export async function writeScatter(
  path: string,
  samples: Tensor,
  options: ScatterOptions = {},
): Promise<void> {
  const points = planePoints(samples, "samples");
  const reference = options.reference ? planePoints(options.reference, "reference points") : [];
  const svg = scatterSvg(points, reference, options);
  await replaceFile(path, [await sharp(Buffer.from(svg)).png().toBuffer()]);
}
