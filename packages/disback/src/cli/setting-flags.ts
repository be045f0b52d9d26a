import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { place, type SettingsTree } from "../runs/settings/layers.js";

/** A flag that sets one setting. */
export interface SettingFlag {
  /** In commander's syntax: `--batch-size <n>`, `--skip-broken`. */
  flags: string;
  /** Dotted path of the setting, `backtracking.batchSize`. */
  path: string;
  description: string;
  /** Default "text"; "list" is separated by commas, "repeated" is given once for each value. */
  kind?: "text" | "number" | "switch" | "list" | "repeated";
  /** Values for shell completion; validation refuses others. */
  choices?: readonly string[];
  /** Heading in the help; default "Options:". */
  group?: string;
}

/** Flags under a common heading. */
export function grouped(group: string, flags: readonly SettingFlag[]): SettingFlag[] {
  return flags.map((flag) => ({ ...flag, group }));
}

/** Flags of every command that has settings. */
const SHARED: readonly SettingFlag[] = [
  { flags: "--seed <n>", path: "seed", description: "random seed", kind: "number" },
  { flags: "--device <name>", path: "device", description: "cpu, cuda or cuda:<number>" },
  { flags: "--threads <n>", path: "threads", description: "CPU threads", kind: "number" },
];

/**
 * Declares the flags of a command: its own, the shared ones, presets, file and output.
 *
 * @param options `seed: false` for a command that has several seeds
 */
export function addSettingFlags(
  command: Command,
  own: readonly SettingFlag[],
  presets: readonly string[] = [],
  options: { seed: boolean } = { seed: true },
): Command {
  for (const flag of own) command.addOption(optionOf(flag));
  if (presets.length > 0) {
    command.addOption(
      optionOf({ flags: "--preset <name>", path: "", description: "named settings", choices: presets }),
    );
  }
  command
    .option("--config <file>", "settings from a YAML file; flags override it")
    .option("--set <name=value...>", "any other settings: evaluation.samples=500, lists as [1,2]");
  for (const flag of SHARED) {
    if (flag.path !== "seed" || options.seed) command.addOption(optionOf(flag));
  }
  command
    .option("--show-settings", "print the complete settings as YAML and stop")
    // `disback init <command> …`
    .addOption(
      new Option("--settings-file <path>", "write the complete settings as YAML and stop").hideHelp(),
    );
  return addOutputFlags(command);
}

/** Declares flags on a command that has no settings. */
export function addFlags(command: Command, flags: readonly SettingFlag[]): Command {
  for (const flag of flags) command.addOption(optionOf(flag));
  return command;
}

/** `--json` and `--quiet`. */
export function addOutputFlags(command: Command): Command {
  return command
    .option("--json", "one JSON document on stdout; everything else goes to stderr")
    .option("--quiet", "no progress, only warnings and errors");
}

/** The settings given by flags. */
export function settingsFromFlags(command: Command, own: readonly SettingFlag[]): SettingsTree {
  const values = command.opts<Record<string, unknown>>();
  let tree: SettingsTree = {};
  for (const assignment of (values.set as string[] | undefined) ?? []) {
    const at = assignment.indexOf("=");
    if (at <= 0) throw new UsageError(`--set ${assignment}: must be <name>=<value>`);
    tree = place(tree, assignment.slice(0, at), parseValue(assignment.slice(at + 1)));
  }
  for (const flag of [...own, ...SHARED]) {
    const option = optionOf(flag);
    const value = values[option.attributeName()];
    if (value === undefined) continue;
    tree = place(tree, flag.path, convert(value, flag.kind ?? "text"));
  }
  return tree;
}

function optionOf(flag: SettingFlag): Option {
  const option = new Option(flag.flags, flag.description);
  // Not `choices()`, which would refuse other values before validation, and validation suggests what was meant.
  if (flag.choices) option.argChoices = [...flag.choices];
  if (flag.kind === "repeated") option.argParser(another);
  return flag.group ? option.helpGroup(flag.group) : option;
}

/** One more value of a flag that may be repeated. */
function another(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

/** The flags by the settings they set, for messages: `backtracking.iterations` → `--iterations`. */
export function flagsByPath(own: readonly SettingFlag[]): Map<string, string> {
  return new Map([...own, ...SHARED].map((flag) => [flag.path, optionOf(flag).long!]));
}

/** Text that is not a number is passed on; validation names the flag and shows the text. */
function convert(value: unknown, kind: NonNullable<SettingFlag["kind"]>): unknown {
  if (kind === "number") return numberOr(String(value));
  if (kind === "list") return String(value).split(",").filter(Boolean);
  return value;
}

/** What `--set` takes: words, numbers, true and false, and lists of them in brackets. */
function parseValue(text: string): unknown {
  const list = /^\[(.*)\]$/.exec(text)?.[1];
  if (list !== undefined)
    return list.trim() === "" ? [] : list.split(",").map((item) => parseValue(item.trim()));
  if (text === "true" || text === "false") return text === "true";
  return numberOr(text);
}

function numberOr(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
