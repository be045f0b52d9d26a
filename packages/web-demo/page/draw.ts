import { type ModelDescription, toImages } from "@disback/generate/core";
import { play, stop } from "./clips.js";

/** Side of a smoothly drawn image, in canvas pixels. */
const SMOOTH_SIDE = 192;

/**
 * Shows samples: images side by side, pixel by pixel or large and smooth; clips the same, playing; points as a scatter
 * plot.
 */
export function draw(
  canvas: HTMLCanvasElement,
  samples: Float32Array,
  { sampleShape }: ModelDescription,
  smooth: boolean,
): void {
  stop(canvas);
  if (sampleShape.length === 4)
    play(canvas, samples, sampleShape, (frame, shape) => drawImages(canvas, frame, shape, smooth));
  else if (sampleShape.length === 3) drawImages(canvas, samples, sampleShape, smooth);
  else drawPoints(canvas, samples, sampleShape[0]!);
}

function drawImages(
  canvas: HTMLCanvasElement,
  samples: Float32Array,
  sampleShape: readonly number[],
  smooth: boolean,
): void {
  const { pixels, count, width, height, channels } = toImages(samples, sampleShape);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const scale = smooth ? Math.max(1, Math.round(SMOOTH_SIDE / Math.max(width, height))) : 1;
  resize(canvas, columns * width * scale, rows * height * scale);
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  const one = new OffscreenCanvas(width, height);
  const single = one.getContext("2d")!;
  for (let image = 0; image < count; image++) {
    const data = context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const at = (image * width * height + pixel) * channels;
      const [red, green, blue] = channels === 3 ? [0, 1, 2] : [0, 0, 0];
      data.data.set([pixels[at + red!]!, pixels[at + green!]!, pixels[at + blue!]!, 255], 4 * pixel);
    }
    const [left, top] = [(image % columns) * width * scale, Math.floor(image / columns) * height * scale];
    if (scale === 1) {
      context.putImageData(data, left, top);
      continue;
    }
    // One at a time, so that neighbours do not blend.
    single.putImageData(data, 0, 0);
    context.drawImage(one, left, top, width * scale, height * scale);
  }
}

/** The square from -3 to 3 in the first two coordinates. */
function drawPoints(canvas: HTMLCanvasElement, samples: Float32Array, dimension: number): void {
  const size = 600;
  resize(canvas, size, size);
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, size, size);
  context.fillStyle = getComputedStyle(canvas).color;
  for (let at = 0; at < samples.length; at += dimension) {
    const x = (samples[at]! / 6 + 0.5) * size;
    const y = (0.5 - (samples[at + 1] ?? 0) / 6) * size;
    context.fillRect(x - 1.5, y - 1.5, 3, 3);
  }
}

/** Setting a size clears the canvas, even if unchanged. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${height}`;
}
