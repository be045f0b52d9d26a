import { cat, full, inferenceMode, Module, noGrad, ops, scope, type Tensor, where } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../condition.js";
import type { ModelFacts } from "../facts.js";
import { KeyValueCache } from "./key-value-cache.js";
import type { LanguageOptions } from "./options.js";
import { asItIs, drawTokens, type Sampling } from "./sampling.js";

/**
 * A decoder-only language model: the probability of every next token, `p(x_t | x_<t)`. Samples are texts of a fixed number of
 * tokens, int64 `[N, L]`, without the token `begin` that stands before each.
 *
 * It is a generator: `generate` maps standard normal latents `[N, L]` to tokens. The normal distribution function makes
 * uniform numbers of them, and each inverts the distribution of its token.
 */
export abstract class LanguageModel extends Module {
  /** how `generate` draws */
  sampling: Sampling = asItIs;

  /** @param length tokens L of a sample, at most `places - 1` */
  constructor(
    readonly options: LanguageOptions,
    readonly length: number,
  ) {
    super();
    if (!(Number.isInteger(length) && length > 0 && length < options.places))
      throw new DisbackError(
        `language model: texts of ${length} tokens do not fit, it takes 1 to ${options.places - 1}`,
      );
  }

  /** `sigmaData` has no meaning for tokens; it is 1. */
  get facts(): ModelFacts {
    return { sampleShape: [this.length], sigmaData: 1, condition: {} };
  }

  get latentShape(): readonly number[] {
    return [this.length];
  }

  /** Evaluations per sample: one for each token. */
  get evaluations(): number {
    return this.length;
  }

  /**
   * @param ids int64 `[N, T]`, with the token `begin` first
   * @param cache of the tokens before these; gets these too
   * @returns logits of the tokens that follow each, `[N, T, V]`
   */
  abstract logits(ids: Tensor, cache?: KeyValueCache): Tensor;

  /** Log probabilities of each token's alternatives, given the tokens before it. @param tokens `[N, L]` @returns `[N, L, V]` */
  logProbabilities(tokens: Tensor): Tensor {
    return scope(() => {
      const [count, length] = tokens.shape as [number, number];
      const begin = this.begin(count, tokens);
      return this.logits(cat([begin, tokens.narrow(1, 0, length - 1).to("int64")], 1)).logSoftmax(-1);
    });
  }

  /**
   * @param latents standard normal `[N, L]`
   * @param condition its `tokens` are prompts, `[N, P]` counted from 1 with zeros behind their end
   * @returns int64 `[N, P + L]`: prompts, and what follows them, or less if the model's places end before
   * @throws DisbackError if a prompt leaves no place
   */
  generate(latents: Tensor, condition?: Condition): Tensor {
    return noGrad(() => scope(() => this.draw(ops.special_ndtr(latents), condition?.tokens)));
  }

  private draw(uniform: Tensor, prompts: Tensor | undefined): Tensor {
    const [count, own] = uniform.shape as [number, number];
    const ahead = prompts?.shape[1] ?? 0;
    const { places } = this.options;
    if (ahead >= places - 1)
      throw new DisbackError(
        `prompt: ${ahead} tokens are too long, the model takes ${places - 1} together with what follows`,
      );
    const length = Math.min(ahead + own, places - 1);
    const given = prompts?.to("int64");
    const cache = new KeyValueCache(length);
    const drawn: Tensor[] = [];
    let last = this.begin(count, uniform);
    try {
      for (let place = 0; place < length; place++) {
        last = scope(() => {
          const logits = this.logits(last, cache).select(1, 0);
          // Numbers belong to places of the text, prompts or not.
          const next = drawTokens(logits, uniform.select(1, Math.max(0, place - ahead)), this.sampling);
          const told = given && place < ahead ? given.select(1, place) : undefined;
          return (told ? where(told.gt(0), told.sub(1), next) : next).unsqueeze(1);
        });
        drawn.push(last);
      }
    } finally {
      cache.dispose();
    }
    return cat(drawn, 1);
  }

  private begin(count: number, { device }: Tensor): Tensor {
    return full([count, 1], this.options.begin, { dtype: "int64", device });
  }
}

/** Mean of `-ln p(x_t | x_<t)` over all tokens, without gradients. @param tokens `[N, L]` */
export function crossEntropyOf(model: LanguageModel, tokens: Tensor): number {
  return inferenceMode(() =>
    scope(() => {
      const found = model.logProbabilities(tokens).gather(-1, tokens.to("int64").unsqueeze(-1));
      return -found.mean().item();
    }),
  );
}
