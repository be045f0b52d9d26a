import { CommanderError } from "commander";
import { describeFailure, usageError } from "./failure.js";
import { tellStarter } from "./launch.js";
import { buildProgram } from "./program.js";
import { Terminal } from "./terminal.js";

// A reader that stops early (`disback inspect x | head`) is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
// Nobody reads stderr any more (`2>&1 | head`, or the parent comparison was killed). The work goes on here; stopping is
// decided elsewhere.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? commanderExit(error) : fail(error);
}

/**
 * Help and version are already written. They are not failures, unless help was shown because the command was missing.
 */
function commanderExit(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") return 2;
  return fail(usageError(error, process.argv.slice(2)));
}

function fail(error: unknown): number {
  const json = process.argv.includes("--json");
  const failure = describeFailure(error);
  if (tellStarter(failure, error)) return failure.exitCode;
  const terminal = new Terminal({ json });
  const stopped = failure.exitCode > 128;
  const { RANK: rank = "0" } = process.env;
  const who = rank === "0" ? "" : `rank ${rank}: `;
  terminal.note(`${who}${stopped ? "" : terminal.colours.red("error: ")}${failure.message}`);
  if (failure.stack) terminal.note(`this is a bug in disback; please report it with:\n${failure.stack}`);
  if (json) terminal.result({ error: failure.message }, "");
  return failure.exitCode;
}
