/**
 * The compiled table by which sentencepiece rewrites characters: a double-array trie (Yata 2008, darts-clone) of byte
 * strings and their replacements. Applied as in the Rust library `tokenizers`: to user-perceived characters of
 * less than 6 bytes as a whole, else to single characters.
 */
export class CharacterMap {
  private readonly units: DataView;
  private readonly texts: Uint8Array;
  private readonly graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder();

  /** @param table as in a sentencepiece model @throws RangeError if it is cut off */
  constructor(table: Uint8Array) {
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    const size = view.getUint32(0, true);
    this.units = new DataView(table.buffer, table.byteOffset + 4, size);
    this.texts = table.subarray(4 + size);
  }

  /** The text with its characters rewritten. */
  rewrite(text: string): string {
    let result = "";
    for (const { segment } of this.graphemes.segment(text)) {
      const whole = this.encoder.encode(segment);
      const found = whole.length < 6 ? this.look(whole) : undefined;
      result += found ?? Array.from(segment, (one) => this.look(this.encoder.encode(one)) ?? one).join("");
    }
    return result;
  }

  /** The replacement of the shortest prefix that is in the table. */
  private look(key: Uint8Array): string | undefined {
    let node = offset(this.unit(0));
    for (const byte of key) {
      node ^= byte;
      const unit = this.unit(node);
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      node ^= offset(unit);
      if (((unit >>> 8) & 1) === 1) return this.textAt(this.unit(node) & 0x7fffffff);
    }
    return undefined;
  }

  private unit(index: number): number {
    return this.units.getUint32(4 * index, true);
  }

  private textAt(start: number): string {
    const end = this.texts.indexOf(0, start);
    return this.decoder.decode(this.texts.subarray(start, end === -1 ? undefined : end));
  }
}

/** Distance from a node of the trie to its children. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
