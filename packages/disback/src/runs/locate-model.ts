import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DisbackError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import { BEST_FOLDERS } from "./best-model.js";
import { didYouMean } from "./nearest.js";

const TEACHERS = fileURLToPath(new URL("../../assets/teachers/", import.meta.url));
const STUDENTS = fileURLToPath(new URL("../../assets/students/", import.meta.url));

/** Why a folder is not a model. For a stopped run, also which models it has. */
function whyNoModel(folder: string): string {
  if (!existsSync(join(folder, "run.json"))) return "holds no model (no config.json)";
  const best = BEST_FOLDERS.map((name) => join(folder, name)).find((path) =>
    existsSync(join(path, "config.json")),
  );
  return `this run has no finished model yet${best ? `; its best so far is ${shellWord(best)}` : ""}`;
}

/** Names of the teachers that come with the package. */
export function shippedTeachers(): string[] {
  return namesIn(TEACHERS);
}

/** Names of the students that come with the package. */
export function shippedStudents(): string[] {
  return namesIn(STUDENTS);
}

/** The folder of a model that comes with the package; undefined for other names. */
export function shippedModel(name: string): string | undefined {
  if (shippedTeachers().includes(name)) return join(TEACHERS, name);
  return shippedStudents().includes(name) ? join(STUDENTS, name) : undefined;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/**
 * Finds a model folder: the folder itself, the student or teacher inside a run, or a shipped model's name.
 *
 * @throws DisbackError saying what was looked for
 */
export function locateModel(source: string): string {
  if (existsSync(source)) {
    if (!statSync(source).isDirectory()) {
      throw new DisbackError(`${source}: a model is a folder with config.json and model.safetensors`);
    }
    for (const folder of [source, join(source, "student"), join(source, "teacher")]) {
      if (existsSync(join(folder, "config.json"))) return folder;
    }
    throw new DisbackError(`${source}: ${whyNoModel(source)}`);
  }
  const folder = shippedModel(source);
  if (folder !== undefined) return folder;
  const [teachers, students] = [shippedTeachers(), shippedStudents()];
  const listed = [
    ["teachers", teachers],
    ["students", students],
  ] as const;
  const shipped = listed
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `; shipped ${kind}: ${names.join(", ")}`);
  const meant = didYouMean(source, [...teachers, ...students]);
  throw new DisbackError(`${source}: no such model folder${meant}${shipped.join("")}`);
}
