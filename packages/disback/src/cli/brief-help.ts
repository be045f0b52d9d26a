import { type Command, Help } from "commander";

/** The flags that a first run needs; `--help` shows only these. */
const ESSENTIAL = new Set([
  ...["--teacher", "--student", "--trajectory", "--data", "--method", "--preset"],
  ...["--iterations", "--steps", "--interval", "--set", "--seed", "--out", "--json"],
  ...["--help", "--help-all"],
]);

/** `--help` with the flags most people need, `--help-all` with every one. */
export function addBriefHelp(command: Command): Command {
  // A shell completes every flag; it asks for what the help shows.
  let all = process.argv[2] === "complete";
  return command
    .option("--help-all", "show every flag")
    .on("option:help-all", () => {
      all = true;
      command.help();
    })
    .configureHelp({
      visibleOptions(shown) {
        const options = new Help().visibleOptions(shown);
        return all ? options : options.filter(({ long }) => ESSENTIAL.has(long ?? ""));
      },
      // So few flags need no headings.
      groupItems: (items, visible, groupOf) =>
        new Help().groupItems(items, visible, all ? groupOf : () => "Options:"),
    });
}
