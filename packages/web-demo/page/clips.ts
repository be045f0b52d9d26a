/** How long a frame is shown, in milliseconds; as in animated pictures of `disback sample`. */
const delay = 120;

const playing = new Map<HTMLCanvasElement, (moment: number) => void>();

/**
 * Plays clips until `stop`, all canvases in step.
 * @param samples `[N, C, T, H, W]` @param show draws one frame's images `[N, C, H, W]`
 */
export function play(
  canvas: HTMLCanvasElement,
  samples: Float32Array,
  sampleShape: readonly number[],
  show: (frame: Float32Array, shape: readonly number[]) => void,
): void {
  const [channels, frames, height, width] = sampleShape as [number, number, number, number];
  const all = Array.from({ length: frames }, (_, frame) => frameOf(samples, sampleShape, frame));
  const showAt = (moment: number) => show(all[moment % frames]!, [channels, height, width]);
  playing.set(canvas, showAt);
  showAt(now());
}

export function stop(canvas: HTMLCanvasElement): void {
  playing.delete(canvas);
}

/** One frame of all clips. @param samples `[N, C, T, H, W]` @returns `[N, C, H, W]` */
export function frameOf(
  samples: Float32Array,
  [, frames, height, width]: readonly number[],
  frame: number,
): Float32Array {
  const plane = height! * width!;
  const planes = samples.length / plane / frames!;
  const found = new Float32Array(planes * plane);
  for (let at = 0; at < planes; at++) {
    const start = (at * frames! + frame) * plane;
    found.set(samples.subarray(start, start + plane), at * plane);
  }
  return found;
}

function now(): number {
  return Math.floor(performance.now() / delay);
}

setInterval(() => {
  for (const showAt of playing.values()) showAt(now());
}, delay);
