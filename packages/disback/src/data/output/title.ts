const fontSize = 14;
/** Width of a character of a sans-serif face relative to its size, at most, on average. */
const characterWidth = 0.6;

/** Text safe inside SVG. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A line of text as SVG, shrunk to fit where it is longer than `width` pixels. */
export function titleSvg(text: string, width: number, height: number): Buffer {
  const size = Math.min(fontSize, (width - 8) / (text.length * characterWidth));
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<text x="6" y="${height - 8}" font-family="sans-serif" font-size="${size.toFixed(2)}" fill="#222">${escapeXml(text)}</text></svg>`,
  );
}
