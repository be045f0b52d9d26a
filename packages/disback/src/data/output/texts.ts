import sharp from "sharp";
import { replaceFile } from "./replace-file.js";
import { escapeXml } from "./title.js";

const width = 960;
const fontSize = 13;
const lineHeight = 18;
const margin = 12;
/** Width of a character of a monospaced face relative to its size. */
const characterWidth = 0.602;
/** Lines of a picture; what does not fit is left out, and said. */
const mostLines = 120;

/** Writes texts one below the other as a PNG, broken into lines, with a rule between two texts. */
export async function writeTextPicture(path: string, texts: readonly string[]): Promise<void> {
  const columns = Math.floor((width - 2 * margin) / (fontSize * characterWidth));
  const rows: { line: string; first: boolean }[] = [];
  for (const [index, text] of texts.entries()) {
    const lines = broken(text, columns);
    if (rows.length + lines.length > mostLines) {
      rows.push({ line: `… and ${texts.length - index} more`, first: true });
      break;
    }
    for (const [place, line] of lines.entries()) rows.push({ line, first: place === 0 });
  }
  const height = rows.length * lineHeight + 2 * margin;
  const drawn = rows.map(({ line, first }, row) => {
    const y = margin + row * lineHeight;
    const rule = first && row > 0 ? `<path d="M${margin} ${y}H${width - margin}" stroke="#ddd"/>` : "";
    return `${rule}<text x="${margin}" y="${y + fontSize}">${escapeXml(line)}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="monospace" font-size="${fontSize}" fill="#222"><rect width="100%" height="100%" fill="#fff"/>${drawn.join("")}</svg>`;
  await replaceFile(path, [await sharp(Buffer.from(svg)).png().toBuffer()]);
}

/** A text's lines, of at most so many characters; control characters, which no picture can show, as replacement characters. */
function broken(text: string, columns: number): string[] {
  const shown = text.replace(/\p{Cc}/gu, (character) => (/\s/.test(character) ? " " : "\ufffd"));
  const lines: string[] = [];
  let line = "";
  for (const word of shown.split(/ +/)) {
    for (let rest = word; ; rest = rest.slice(columns)) {
      if (line !== "" && line.length + 1 + rest.length > columns) {
        lines.push(line);
        line = "";
      }
      if (rest.length <= columns) {
        line = line === "" ? rest : `${line} ${rest}`;
        break;
      }
      lines.push(rest.slice(0, columns));
    }
  }
  return [...lines, line];
}
