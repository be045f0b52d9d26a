import type { Tensor } from "./tensor.js";

const EDGE = 3;
const THRESHOLD = 1000;

/** A tensor as text, as PyTorch prints it: values (shortened if there are many), then non-default properties. */
export function formatTensor(tensor: Tensor): string {
  const { shape, dtype, device } = tensor;
  const shorten = tensor.numel > THRESHOLD;
  const data = tensor.detach().data();
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const whole = dtype.startsWith("int") || dtype === "uint8";
  const shown: number[] = [];
  walk(0, 0, (position) => shown.push(Number(data[position])));
  const largest = Math.max(...shown.filter(Number.isFinite).map(Math.abs), 0);
  const smallest = Math.min(...shown.filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs), Infinity);
  const scientific =
    !whole && (largest >= 1e5 || (largest > 0 && largest < 1e-3) || largest / smallest > 1e6);
  const text = (value: number | bigint): string =>
    dtype === "bool"
      ? value
        ? "true"
        : "false"
      : whole
        ? String(value)
        : scientific
          ? Number(value).toExponential(4)
          : Number(value).toFixed(4);
  let width = 0;
  walk(0, 0, (position) => {
    width = Math.max(width, text(data[position]!).length);
  });

  function walk(dim: number, offset: number, visit: (position: number) => void): void {
    if (dim === shape.length) visit(offset);
    else for (const i of visible(shape[dim]!)) if (i >= 0) walk(dim + 1, offset + i * strides[dim]!, visit);
  }
  function visible(size: number): number[] {
    const all = Array.from({ length: size }, (_, i) => i);
    return shorten && size > 2 * EDGE ? [...all.slice(0, EDGE), -1, ...all.slice(-EDGE)] : all;
  }
  function render(dim: number, offset: number, indent: string): string {
    if (dim === shape.length) return text(data[offset]!).padStart(width);
    const parts = visible(shape[dim]!).map((i) =>
      i < 0 ? "..." : render(dim + 1, offset + i * strides[dim]!, `${indent} `),
    );
    const last = dim === shape.length - 1;
    return `[${parts.join(last ? ", " : `,${"\n".repeat(shape.length - 1 - dim)}${indent} `)}]`;
  }

  const facts = [`shape=[${shape.join(", ")}]`];
  if (dtype !== "float32") facts.push(dtype);
  if (device !== "cpu") facts.push(device);
  if (tensor.requiresGrad) facts.push("requiresGrad");
  return `tensor(${render(0, 0, "       ")}, ${facts.join(", ")})`;
}
