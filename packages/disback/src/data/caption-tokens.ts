import { createHash } from "node:crypto";
import { GenerateError, type PromptReader, readPrompt } from "@disback/generate/core";
import { DisbackError } from "../errors.js";
import type { LeftOut } from "./left-out.js";
import type { SampleArrays, SampleSource } from "./samples.js";

/** A dataset with captions, whose labels are the captions' tokens as `readPrompt` gives them. */
export class CaptionTokens implements SampleSource {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly length: number;
  readonly labelDim: number;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  readonly captions: readonly string[];
  private readonly tokens: Float32Array;

  /** @throws DisbackError if there are no captions */
  constructor(
    private readonly source: SampleSource,
    reader: PromptReader,
  ) {
    this.captions = requireCaptions(source);
    this.name = source.name;
    this.sampleShape = source.sampleShape;
    this.length = source.length;
    this.labelDim = reader.textLength;
    this.leftOut = source.leftOut ?? [];
    this.notes = source.notes ?? [];
    this.tokens = new Float32Array(this.length * this.labelDim);
    for (const [row, caption] of this.captions.entries())
      this.tokens.set(tokensOf(caption, reader), row * this.labelDim);
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const { samples } = await this.source.read(indices);
    const { labelDim } = this;
    const labels = new Float32Array(indices.length * labelDim);
    for (let row = 0; row < indices.length; row++) {
      const start = indices[row]! * labelDim;
      labels.set(this.tokens.subarray(start, start + labelDim), row * labelDim);
    }
    return { samples, labels };
  }

  async fingerprint(): Promise<string> {
    return createHash("sha256")
      .update(await this.source.fingerprint())
      .update(new Uint8Array(this.tokens.buffer))
      .digest("hex");
  }
}

/** A data set's captions. @throws DisbackError if it has none */
export function requireCaptions({ name, captions }: SampleSource): readonly string[] {
  if (captions?.some((caption) => caption.trim() !== "")) return captions;
  throw new DisbackError(
    `${name} has no captions: give a "text" for each file in metadata.jsonl, or a .txt beside each image`,
  );
}

/** Tokens of a caption; zeros, "no text", where there is nothing that the model knows. */
function tokensOf(caption: string, reader: PromptReader): readonly number[] {
  try {
    return readPrompt(caption, reader).tokens;
  } catch (error) {
    if (error instanceof GenerateError) return Array<number>(reader.textLength).fill(0);
    throw error;
  }
}
