// How a measurement begins that is made in parts: its flags, its folders, what it found before.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setNumThreads } from "@disback/torch";
import { machine, save } from "./report.mjs";

/**
 * Reads `--rows` and `--smoke`, computes with one thread, and makes the folders.
 * @param folder name in bench/, whose `work` keeps what is made
 * @param result name in bench/results
 * @returns `smoke`: every step of the way with tiny sizes, in seconds; its figures mean nothing. `work`: the measurement's own
 *   folder. `downloads`: shared by tasks and pairs. `before`: the stored result, `{}` for none. `mayGoOn()`: counts rows, and
 *   says whether one more is allowed. `store(document)`: writes the result with the machine.
 */
export function begin({ folder, result }) {
  const { values: flags } = parseArgs({
    options: {
      /** rows to measure before the script ends; all by default */
      rows: { type: "string", default: "1000" },
      smoke: { type: "boolean", default: false },
    },
  });
  const { smoke } = flags;
  setNumThreads(1);
  const path = (name) => fileURLToPath(new URL(name, import.meta.url));
  const downloads = path("tasks/work/downloads/");
  const work = path(`${folder}/work/${result}-${smoke ? "smoke" : "full"}/`);
  if (smoke) rmSync(work, { recursive: true, force: true });
  for (const made of [downloads, work]) mkdirSync(made, { recursive: true });
  const name = smoke ? `${result}-smoke` : result;
  const file = path(`results/${name}.json`);
  const before = existsSync(file) && !smoke ? JSON.parse(readFileSync(file, "utf8")) : {};
  let made = 0;
  return {
    ...{ smoke, work, downloads, before },
    mayGoOn: () => made++ < Number(flags.rows),
    store: (document) => save(name, { machine: machine(), ...document }),
  };
}

/** The folder of a teacher that comes with the package. */
export const shippedTeacher = (name) =>
  fileURLToPath(new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url));
