import { type Command, Help } from "commander";

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
