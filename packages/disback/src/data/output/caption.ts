import { escapeXml } from "./title.js";

const fontSize = 11;
const lineHeight = 13;
const lines = 2;
/** Width of a character of a sans-serif face relative to its size, about. */
const characterWidth = 0.55;

/** Height of what stands below an image, in pixels. */
export const captionHeight = lines * lineHeight + 4;

/** A text of at most two lines as SVG, cut where it is longer than they are. @param width in pixels */
export function captionSvg(text: string, width: number): Buffer {
  const characters = Math.max(1, Math.floor(width / (fontSize * characterWidth)));
  const rows = wrapped(text, characters).map(
    (line, row) => `<text x="0" y="${(row + 1) * lineHeight - 2}">${escapeXml(line)}</text>`,
  );
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${captionHeight}" ` +
      `font-family="sans-serif" font-size="${fontSize}" fill="#222">${rows.join("")}</svg>`,
  );
}

/** Breaks a text between words; what does not fit ends in an ellipsis. */
export function wrapped(text: string, characters: number): string[] {
  const result: string[] = [];
  let rest = [...text.replace(/\s+/g, " ").trim()].slice(0, (characters + 1) * lines + 1).join("");
  while (rest.length > 0 && result.length < lines) {
    const isLast = result.length === lines - 1;
    if (rest.length <= characters) {
      result.push(rest);
      break;
    }
    if (isLast) {
      result.push(`${rest.slice(0, characters - 1)}…`);
      break;
    }
    const space = rest.slice(0, characters + 1).lastIndexOf(" ");
    const end = space > 0 ? space : characters;
    result.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return result;
}
