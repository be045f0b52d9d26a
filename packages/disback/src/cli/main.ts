#!/usr/bin/env node
import { CommanderError } from "commander";
import { describeFailure } from "./failure.js";
import { buildProgram } from "./program.js";
import { Terminal } from "./terminal.js";

// A reader that stops early (`disback inspect x | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? commanderExit(error) : fail(error);
}

/** Commander has written its message already; help and version are no failure. */
function commanderExit(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

function fail(error: unknown): number {
  const json = process.argv.includes("--json");
  const failure = describeFailure(error);
  const terminal = new Terminal({ json });
  const stopped = failure.exitCode > 128;
  terminal.note(`${stopped ? "" : terminal.colours.red("error: ")}${failure.message}`);
  if (failure.stack) terminal.note(`this is a defect of disback; please report it with:\n${failure.stack}`);
  if (json) terminal.result({ error: failure.message }, "");
  return failure.exitCode;
}
