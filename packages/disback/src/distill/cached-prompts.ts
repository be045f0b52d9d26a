import { type Device, type Generator, randint, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Condition, type ConditionShapes, joinConditions } from "../models/condition.js";
import type { PromptRows } from "../text/prompt-rows.js";
import type { PromptCache } from "../text/prompts/prompt-cache.js";
import type { ConditionSource } from "./condition-source.js";

/** What a network is told besides the prompt. */
export interface CachedPromptsOptions {
  device?: Device;
  /** SDXL: original height and width, top and left of the crop, target height and width, `[1, 6]` */
  sizes?: Tensor;
  /** Flux: the scale of the guidance that it was distilled from, `[1]` */
  guidance?: Tensor;
}

/** Prompts drawn uniformly, as conditions that were computed before: `text` and `pooled`, with `sizes` or `guidance`. */
export class CachedPrompts implements ConditionSource, PromptRows {
  readonly unread: readonly string[] = [];

  /**
   * @param shapes what the student is told, as in its facts
   * @throws DisbackError if the conditions have other shapes, or if the student needs sizes and there are none
   */
  constructor(
    private readonly cache: PromptCache,
    readonly texts: readonly string[],
    shapes: ConditionShapes,
    private readonly options: CachedPromptsOptions = {},
  ) {
    scope(() => {
      const one = this.condition(texts[0]!);
      for (const [name, shape] of Object.entries(shapes)) {
        const given = one[name]?.shape.slice(1);
        if (!given) throw new DisbackError(`prompts: the student is told "${name}", which these do not have`);
        // Texts may be of any length.
        const from = name === "text" ? 1 : 0;
        if (given.slice(from).join() !== shape.slice(from).join())
          throw new DisbackError(
            `prompts: their ${name} is [${given.join(", ")}], the student's [${shape.join(", ")}]`,
          );
      }
    });
  }

  /** Conditions of some prompts, in that order. */
  rows(prompts: readonly (string | null)[]): Condition {
    return scope(() => joinConditions(prompts.map((prompt) => this.condition(prompt))));
  }

  conditions(places: readonly number[]): Condition {
    return this.rows(places.map((place) => this.texts[place]!));
  }

  none(): Condition {
    return this.rows([null]);
  }

  draw(count: number, generator: Generator): Condition {
    const { device } = generator;
    const places = randint(0, this.texts.length, [count], { generator, device }).toArray() as unknown[];
    return this.conditions(places.map(Number));
  }

  private condition(prompt: string | null): Condition {
    const { device = "cpu", sizes, guidance } = this.options;
    const told = { ...(sizes ? { sizes } : {}), ...(guidance ? { guidance } : {}) };
    const parts = Object.entries({ ...this.cache.read(prompt), ...told });
    return Object.fromEntries(parts.map(([name, tensor]) => [name, (tensor as Tensor).to({ device })]));
  }
}
