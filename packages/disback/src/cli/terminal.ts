import { createColors } from "picocolors";
import type { Progress } from "../runs/progress.js";

/** Output options of every command. */
export interface OutputFlags {
  json?: boolean;
  quiet?: boolean;
}

/**
 * Where a command writes. Results go to stdout, everything else to stderr, so that `--json` gives exactly one
 * document on stdout.
 */
export class Terminal {
  /** Colours for stderr. */
  readonly colours = createColors(coloursWanted(process.stderr));
  /** Colours for results on stdout, which may be a file while stderr is a terminal. */
  readonly resultColours = createColors(coloursWanted(process.stdout));
  private drawn: Progress | undefined;

  constructor(private readonly flags: OutputFlags) {}

  /** Progress on stderr: a bar where stderr is a terminal, plain lines elsewhere, nothing with `--quiet`. */
  async progress(): Promise<Progress> {
    if (this.flags.quiet) return { start() {}, update() {}, finish() {}, notice: (line) => this.note(line) };
    const { ProgressBar, ProgressLines } = await import("./progress.js");
    const note = (line: string) => this.note(line);
    this.drawn =
      process.stderr.isTTY && process.env.TERM !== "dumb"
        ? new ProgressBar(process.stderr, note)
        : new ProgressLines(process.stderr);
    return this.drawn;
  }

  /** Writes one line to stderr. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /**
   * The command's result.
   *
   * @param document printed as JSON with `--json`
   * @param text printed otherwise
   */
  result(document: Record<string, unknown>, text: string): void {
    process.stdout.write(this.flags.json ? `${JSON.stringify(document, null, 2)}\n` : `${text}\n`);
  }
}

/** `NO_COLOR` (any value) switches colours off, `FORCE_COLOR` on; otherwise only terminals have colours. */
function coloursWanted(stream: NodeJS.WriteStream): boolean {
  if (process.env.NO_COLOR) return false;
  if (process.env.FORCE_COLOR) return process.env.FORCE_COLOR !== "0";
  return Boolean(stream.isTTY) && process.env.TERM !== "dumb";
}
