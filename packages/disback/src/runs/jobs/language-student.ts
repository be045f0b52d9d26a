import { type Device, Generator } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { halvedLanguage, languageConfig, languageOptions } from "../../models/language/config.js";
import { createLanguageModel } from "../../models/language/create-language-model.js";
import type { LanguageModel } from "../../models/language/language-model.js";
import type { LanguageOptions } from "../../models/language/options.js";
import { randomWeights } from "../../models/weights.js";
import { languageModel } from "../language-folder.js";
import type { OpenedModel } from "../opened-model.js";
import { readSettingsFile } from "../settings/resolve.js";
import { requireStart } from "./student-start.js";

/**
 * The initial network of a language model's student: `same`, `untrained`, `small` (half the width and layers), or a file with
 * a configuration. Every student has the teacher's vocabulary.
 */
export function makeLanguageStudent(
  { student: start, seed, device }: { student: string; seed: number; device: string },
  teacher: OpenedModel<LanguageModel>,
): OpenedModel<LanguageModel> {
  const { module, codec } = teacher;
  const made = (model: LanguageModel) => languageModel({ model, language: codec.language! });
  if (start === "same") return made(module.clone().requiresGrad_(true));
  const options = languageStudentOptions(start, module.options);
  const model = createLanguageModel(randomWeights(new Generator(seed)), options, module.length);
  return made(model.to({ device: device as Device }).eval());
}

function languageStudentOptions(start: string, teacher: LanguageOptions): LanguageOptions {
  if (start === "untrained") return teacher;
  if (start === "small") {
    const small = halvedLanguage(teacher);
    if (small) return small;
    throw new DisbackError(
      `"student": the teacher's ${teacher.heads} heads cannot be halved; give a config file`,
    );
  }
  requireStart(start);
  const parsed = languageConfig.safeParse(readSettingsFile(start));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new DisbackError(`${start}: ${path.length > 0 ? `"${path.join(".")}": ` : ""}${message}`);
  }
  return { ...languageOptions(parsed.data, teacher), places: teacher.places };
}
