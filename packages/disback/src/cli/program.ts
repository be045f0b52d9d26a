import { Command } from "commander";
import { addBacktrack } from "./commands/backtrack.js";
import { addCompare } from "./commands/compare.js";
import { addDistill } from "./commands/distill.js";
import { addDoctor } from "./commands/doctor.js";
import { addEvaluate } from "./commands/evaluate.js";
import { addExport } from "./commands/export.js";
import { addInspect } from "./commands/inspect.js";
import { addRecord } from "./commands/record.js";
import { addResume } from "./commands/resume.js";
import { addSample } from "./commands/sample.js";
import { addStudio } from "./commands/studio.js";
import { addTeacher } from "./commands/teacher.js";
import { packageVersion } from "./package-version.js";

/**
 * The command line's declaration. Nothing heavy is imported here: each command loads what it needs when it runs, so
 * that help and usage errors appear at once.
 */
export function buildProgram(): Command {
  const program = new Command("disback")
    .description("Turns a many-step diffusion model into a one-step generator by distribution backtracking.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .exitOverride()
    .addHelpText("after", "\nExample:\n  disback distill --preset demo --out runs/demo\n");
  addTeacher(program);
  addRecord(program);
  addBacktrack(program);
  addDistill(program);
  addCompare(program);
  addSample(program);
  addEvaluate(program);
  addExport(program);
  addInspect(program);
  addResume(program);
  addStudio(program);
  addDoctor(program);
  return program;
}

/** Commander puts its suggestion on a second line. */
function oneLine(text: string): string {
  return `${text.trim().replace(/\s*\n\s*/g, " ")}\n`;
}
