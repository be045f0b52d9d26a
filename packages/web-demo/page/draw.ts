import { type ModelDescription, toImages } from "@disback/generate/core";

/** Shows samples: images side by side in their own resolution, points as a scatter plot. */
export function draw(
  canvas: HTMLCanvasElement,
  samples: Float32Array,
  { sampleShape }: ModelDescription,
): void {
  if (sampleShape.length === 3) drawImages(canvas, samples, sampleShape);
  else drawPoints(canvas, samples, sampleShape[0]!);
}

function drawImages(canvas: HTMLCanvasElement, samples: Float32Array, sampleShape: readonly number[]): void {
  const { pixels, count, width, height, channels } = toImages(samples, sampleShape);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  resize(canvas, columns * width, rows * height);
  const context = canvas.getContext("2d")!;
  for (let image = 0; image < count; image++) {
    const data = context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const at = (image * width * height + pixel) * channels;
      const [red, green, blue] = channels === 3 ? [0, 1, 2] : [0, 0, 0];
      data.data.set([pixels[at + red!]!, pixels[at + green!]!, pixels[at + blue!]!, 255], 4 * pixel);
    }
    context.putImageData(data, (image % columns) * width, Math.floor(image / columns) * height);
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

/** Setting a size clears the canvas, even if it is the same. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${height}`;
}
