import type { Command } from "commander";
import { DisbackError } from "../../errors.js";
import { addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description("Check the installation: libtorch, devices, threads, shipped files.");
  addOutputFlags(command)
    .addHelpText("after", "\nExample:\n  disback doctor\n")
    .action(async () => {
      const terminal = new Terminal(command.opts<OutputFlags>());
      const { examine } = await import("../doctor.js");
      const findings = await examine();
      const width = Math.max(...findings.map((finding) => finding.name.length));
      const { green, red } = terminal.resultColours;
      const lines = findings.map(
        ({ name, ok, detail }) =>
          `${ok ? green("ok     ") : red("missing")}  ${name.padEnd(width)}  ${detail}`,
      );
      terminal.result({ ok: findings.every((finding) => finding.ok), findings }, lines.join("\n"));
      const missing = findings.filter((finding) => !finding.ok);
      if (missing.length > 0 && !command.opts<OutputFlags>().json) {
        throw new DisbackError(`not ready: ${missing.map((finding) => finding.name).join(", ")}`);
      }
      if (missing.length > 0) process.exitCode = 1;
    });
}
