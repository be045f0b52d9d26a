import { describeUnread, GenerateError, type PromptReader, readPrompt } from "@disback/generate/core";
import { type Device, fromTypedArray, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { PromptRows } from "./prompt-rows.js";

/** Prompts as the tokens that a model reads. */
export class PromptTokens implements PromptRows {
  /** what is not read of them, a line each */
  readonly unread: readonly string[];
  /** `[prompts, textLength]` */
  private readonly tokens: Float32Array;
  private readonly width: number;

  /** @throws DisbackError naming the prompt in which there is nothing that the model knows */
  constructor(
    readonly texts: readonly string[],
    reader: PromptReader,
  ) {
    if (texts.length === 0) throw new DisbackError("prompts: there is none");
    this.width = reader.textLength;
    this.tokens = new Float32Array(texts.length * this.width);
    const unread: string[] = [];
    for (const [place, text] of texts.entries()) {
      const read = told(() => readPrompt(text, reader));
      unread.push(...describeUnread(read, reader.textLength));
      this.tokens.set(read.tokens, place * this.width);
    }
    this.unread = unread;
  }

  get length(): number {
    return this.texts.length;
  }

  /** `tokens [places, textLength]` */
  conditions(places: readonly number[], device: Device): { tokens: Tensor } {
    return { tokens: this.rows(places, device) };
  }

  /** Tokens of some prompts. @param places of the prompts, from 0 @returns `[places, textLength]` */
  rows(places: readonly number[], device: Device): Tensor {
    const rows = new Float32Array(places.length * this.width);
    for (const [row, place] of places.entries())
      rows.set(this.tokens.subarray(place * this.width, (place + 1) * this.width), row * this.width);
    return fromTypedArray(rows, [places.length, this.width], { device });
  }

  /** All tokens. @returns `[prompts, textLength]` */
  all(device: Device): Tensor {
    return this.rows([...this.texts.keys()], device);
  }
}

function told<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof GenerateError ? new DisbackError(error.message) : error;
  }
}
