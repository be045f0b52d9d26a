import { type Command, Help, type Option } from "commander";
import { paperPresets } from "../runs/paper-presets.js";

/** The flags that a first run needs; `--help` shows only these. */
const ESSENTIAL = new Set([
  ...["--teacher", "--student", "--trajectory", "--data", "--method", "--preset"],
  ...["--iterations", "--steps", "--interval", "--set", "--seed", "--out", "--json"],
  ...["--help", "--help-all"],
]);

/** `--help` with the flags most people need, `--help-all` with every one. */
export function addBriefHelp(command: Command): Command {
  let all = false;
  // Only while help is formatted: completion asks for the same flags, and needs every one.
  let brief = false;
  return command
    .option("--help-all", "show every flag")
    .on("option:help-all", () => {
      all = true;
      command.help();
    })
    .configureHelp({
      visibleOptions(shown) {
        const options = new Help().visibleOptions(shown);
        return brief ? options.filter(({ long }) => ESSENTIAL.has(long ?? "")) : options;
      },
      optionDescription(option) {
        return brief && option.long === "--preset"
          ? withoutPapers(option)
          : new Help().optionDescription(option);
      },
      // So few flags need no headings.
      groupItems: (items, visible, groupOf) =>
        new Help().groupItems(items, visible, brief ? () => "Options:" : groupOf),
      formatHelp(shown, helper) {
        brief = !all;
        const text = Help.prototype.formatHelp.call(helper, shown, helper);
        brief = false;
        return text;
      },
    });
}

/** The presets of papers are for a second look. */
function withoutPapers({ description, argChoices = [] }: Option): string {
  const usual = argChoices.filter((name) => !(name in paperPresets)).map((name) => `"${name}"`);
  const papers = usual.length < argChoices.length ? "; of papers: --help-all" : "";
  return `${description} (choices: ${usual.join(", ")}${papers})`;
}
