import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors, scope, type Tensor, TorchError, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";

/** What is encoded, by what, and where it is kept. */
export interface PromptCacheOptions {
  /** shared between runs; made if it is not there */
  folder: string;
  /** tells encoders apart: whatever changes their output must change this name, see `encoderKey` */
  encoder: string;
  /** opens the encoders; called only if something is missing, and they are released afterwards */
  open: () => Promise<PromptEncoder>;
  /** prompts encoded at once, default 8 */
  batchSize?: number;
  /** called after each batch with how many of the missing prompts are done */
  onProgress?: (done: number, total: number) => void;
  /** called with a line about prompts that are cut */
  onNotice?: (line: string) => void;
}

/** The text that stands for "no prompt", whatever the encoder makes of it. */
const none = null;

/**
 * Conditions of prompts on disk, one file for each, named by the hash of encoder and prompt. So a prompt is encoded
 * once, a run that was stopped goes on where it was, and text encoders are in memory only while something is missing.
 */
export class PromptCache {
  private constructor(private readonly options: Pick<PromptCacheOptions, "folder" | "encoder">) {}

  /**
   * Encodes what is missing of some prompts, and of "no prompt".
   * @throws DisbackError if there is no prompt, or naming the file that cannot be written
   */
  static async fill(prompts: readonly string[], options: PromptCacheOptions): Promise<PromptCache> {
    const cache = new PromptCache(options);
    if (prompts.length === 0) throw new DisbackError("prompts: there is none");
    const wanted = [...new Set<string | null>([none, ...prompts])];
    const missing = wanted.filter((prompt) => !existsSync(cache.path(prompt)));
    if (missing.length > 0) await cache.encode(missing, options);
    return cache;
  }

  /** @returns each part with one row, without gradients @throws DisbackError naming a damaged file */
  read(prompt: string | null): PromptCondition {
    const path = this.path(prompt);
    try {
      const { tensors } = readSafetensors(path);
      const text = tensors.get("text");
      if (!text) throw new DisbackError(`${path}: "text" is missing; delete it, and it is made again`);
      const pooled = tensors.get("pooled");
      return pooled ? { text, pooled } : { text };
    } catch (error) {
      if (error instanceof TorchError) throw new DisbackError(error.message);
      throw error;
    }
  }

  private path(prompt: string | null): string {
    const named = JSON.stringify([this.options.encoder, prompt]);
    const key = createHash("sha256").update(named).digest("hex");
    return join(this.options.folder, key.slice(0, 2), `${key}.safetensors`);
  }

  private async encode(missing: readonly (string | null)[], options: PromptCacheOptions): Promise<void> {
    const { batchSize = 8, onProgress, onNotice } = options;
    const encoder = await options.open();
    try {
      const texts = missing.filter((prompt) => prompt !== none);
      if (missing.includes(none)) scope(() => this.write([none], encoder.none(1)));
      for (let done = 0; done < texts.length; done += batchSize) {
        const batch = texts.slice(done, done + batchSize);
        scope(() => {
          const { condition, cut } = encoder.encode(batch);
          this.write(batch, condition);
          for (const place of cut)
            onNotice?.(`prompt: only its beginning is read: "${batch[place]!.slice(0, 40)}…"`);
        });
        onProgress?.(Math.min(done + batchSize, texts.length), texts.length);
      }
    } finally {
      encoder.dispose();
    }
  }

  private write(prompts: readonly (string | null)[], condition: PromptCondition): void {
    for (const [row, prompt] of prompts.entries()) {
      const path = this.path(prompt);
      const parts = Object.entries(condition) as [string, Tensor][];
      const one = parts.map(([name, tensor]) => [name, tensor.narrow(0, row, 1).contiguous()] as const);
      try {
        mkdirSync(join(path, ".."), { recursive: true });
        writeSafetensors(path, new Map(one));
      } catch (error) {
        throw new DisbackError(error instanceof TorchError ? error.message : `${path}: cannot be written`);
      }
    }
  }
}
