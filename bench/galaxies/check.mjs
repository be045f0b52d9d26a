// The port beside NumPy:  python bench/galaxies/reference.py FILE.eqx | node bench/galaxies/check.mjs FILE.eqx
import { readFileSync } from "node:fs";
import { fromTypedArray, inferenceMode } from "@disback/torch";
import { readScoreNet } from "./score-net.mjs";

const { x, t, score } = JSON.parse(readFileSync(0, "utf8"));
const tensor = (values, shape) => fromTypedArray(Float32Array.from(values.flat(3)), shape);
const shape = [t.length, 1, x[0][0].length, x[0][0].length];
const ours = inferenceMode(() =>
  readScoreNet(process.argv[2]).forward(tensor(x, shape), tensor(t, [t.length])),
);
const expected = tensor(score, shape);
const difference = ours.sub(expected).abs().max().item() / expected.abs().max().item();
console.log(`largest difference: ${difference.toExponential(1)} of the largest score`);
if (!(difference < 1e-5)) process.exitCode = 1;
