import { replaceFile } from "../../data/output/replace-file.js";
import { writeTextPicture } from "../../data/output/texts.js";
import { textsOf } from "../../text/language/codecs.js";
import { type Language, onOneLine } from "../../text/language/language.js";
import type { SampleKind } from "./sample-kind.js";

/** Texts of tokens `[L]`: shown as they are read, judged by `TextJudge`. */
export function textsIn(language: Language): SampleKind {
  return {
    name: "texts",
    values: true,
    toTerminal: true,
    matches: () => true,
    texts: (samples) => textsOf(samples, language),
    draw: (path, samples) => writeTextPicture(path, textsOf(samples, language)),
    drawBeside: (picturePath, samples) =>
      writeTexts(picturePath.replace(/\.png$/, ".txt"), textsOf(samples, language)),
    defaultExtractor: () => undefined,
    metrics: () => [...textMetrics],
    headline: () => [...textMetrics],
  };
}

/** What is measured of texts. */
export const textMetrics = ["trigramDivergence", "textPerplexity", "validWords", "distinctPairs"] as const;

/** One text a line. Line breaks within become spaces. */
export async function writeTexts(path: string, texts: readonly string[]): Promise<void> {
  await replaceFile(path, [Buffer.from(`${texts.map(onOneLine).join("\n")}\n`)]);
}
