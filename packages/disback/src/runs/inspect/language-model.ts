import { statSync } from "node:fs";
import { isLanguageModel, openLanguageModel } from "../../import/language/open-language-model.js";
import { flattenRows } from "../report/markup.js";
import { readStudentFile } from "../student-file.js";
import type { Description } from "./description.js";

/** A language model: a folder of transformers, or a GGUF file. */
export async function describeLanguageModel(path: string): Promise<Description | undefined> {
  if (!isLanguageModel(path)) return undefined;
  const { model } = await openLanguageModel(path);
  const parameters = model.parameters().reduce((sum, tensor) => sum + tensor.numel, 0);
  const { length, options } = model;
  model.dispose();
  const isStudent = statSync(path).isDirectory() && readStudentFile(path) !== undefined;
  return {
    kind: `model: language model${isStudent ? ", student" : ""}`,
    facts: [
      ["samples", `texts of ${length} tokens`],
      ["parameters", parameters.toLocaleString("en")],
      ...flattenRows({ ...options }),
    ],
  };
}
