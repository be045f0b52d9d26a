import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.js";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const packages = readdirSync(join(ROOT, "packages"));
const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...packages.map((name) => `packages/${name}/README.md`),
  ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`),
].filter((page) => page.endsWith(".md") && existsSync(join(ROOT, page)));

const textOf = (page: string) => readFileSync(join(ROOT, page), "utf8");
const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, "");

/** As GitHub makes them from headings. */
function anchorsOf(page: string): string[] {
  const headings = [...withoutCode(textOf(page)).matchAll(/^#+ (.*)$/gm)];
  return headings.map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

it.each(pages)("the links of %s lead somewhere", (page) => {
  const broken = [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [path, anchor] = link.split("#");
      const place = path ? join(dirname(page), decodeURIComponent(path)) : page;
      return !existsSync(join(ROOT, place)) || (anchor && !anchorsOf(place).includes(anchor));
    });
  expect(broken).toEqual([]);
});

it.each(pages)("the scripts and results that %s names are there", (page) => {
  const named = [
    ...textOf(page).matchAll(/\b(?:bench|examples|packages)\/[\w./+-]+\.(?:mjs|py|ts|json|md)\b/g),
  ];
  expect(named.map(([path]) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

it.each(pages)("the commands of %s have their flags", (page) => {
  const lines = textOf(page).replaceAll("\\\n", " ").split("\n");
  const unknown = lines.flatMap((line) => {
    const words = /(?:^|`)\s*(?:npx )?disback ((?:[a-z]+ )?[^`#]*)/.exec(line)?.[1]?.trim().split(/\s+/);
    // Both take another command's arguments.
    const takesCommand = words?.[0] === "plan" || words?.[0] === "init";
    return words ? unknownFlags(takesCommand ? words.slice(1) : words) : [];
  });
  expect(unknown).toEqual([]);
});

function unknownFlags(words: string[]): string[] {
  let command: Command = buildProgram();
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (!next) break;
    command = next;
  }
  const known = new Set(["--help", ...command.options.map(({ long }) => long)]);
  return words
    .filter((word) => word.startsWith("--"))
    .map((word) => word.split("=")[0]!)
    .filter((flag) => !known.has(flag))
    .map((flag) => `${command.name()} ${flag}`);
}
