// Files as a user may give them: written to a folder, then opened as the command line would.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const fixtures = fileURLToPath(new URL("../../../packages/disback/test/fixtures/", import.meta.url));
const torchFixtures = fileURLToPath(new URL("../../../packages/torch/test/fixtures/", import.meta.url));

export const fixture = (name) => readFileSync(join(fixtures, name));
export const torchFixture = (name) => readFileSync(join(torchFixtures, name));

/** The built modules below the public interface. */
export const built = (path) =>
  import(new URL(`../../../packages/disback/dist/${path}.js`, import.meta.url).href);

const plain = /^[^\p{Cc}]*$/u;

/**
 * A target that writes files and opens them.
 * @param make gives `{relative path: bytes}` from random numbers
 * @param run opens what lies in the folder
 * @param named what an error must contain, next to being one line of ours
 */
export function fileTarget(
  folder,
  { make, run, named = "", milliseconds = 3000, multiple = 64, slack = 64 * 2 ** 20 },
) {
  const place = join(folder, "input");
  let written = [];
  return {
    milliseconds,
    memory: ({ bytes }) => slack + multiple * bytes,
    make(random) {
      const files = make(random);
      // Removed, not overwritten: a file that an earlier input mapped must not change under it.
      for (const path of written) rmSync(path, { recursive: true, force: true });
      written = Object.keys(files).map((name) => join(place, name));
      let bytes = 0;
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(place, name)), { recursive: true });
        writeFileSync(join(place, name), content);
        bytes += content.length;
      }
      return { place, bytes };
    },
    run: () => run(place),
    judge(error) {
      if (
        !/^(DisbackError|UsageError|BrokenImageError|TorchError|CheckpointError|OperatorError)$/.test(
          error?.name,
        )
      )
        return "an error that is not ours";
      if (!plain.test(error.message)) return "a message that is not one printable line";
      if (error.message.length > 2000) return "a message longer than a screen";
      return error.message.includes(named) ? undefined : `a message that does not name ${named}`;
    },
  };
}
