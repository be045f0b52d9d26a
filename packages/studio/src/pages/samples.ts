/** The layout of a picture of samples: square cells in rows, white lines of `padding` pixels between and around. */
export interface SampleGrid {
  columns: number;
  count: number;
  padding: number;
}

/** The layout of a run's pictures. @param evaluation its `evaluation` settings */
export function sampleGridOf(evaluation: unknown): SampleGrid | undefined {
  const count = (evaluation as { grid?: unknown } | null | undefined)?.grid;
  if (typeof count !== "number" || !(count >= 1)) return undefined;
  return { columns: Math.ceil(Math.sqrt(count)), count, padding: 4 };
}

/** Beside a run's pictures: the prompts that their samples are of, in order, as a JSON array. */
export const promptsFile = "prompts.json";

/** The prompts of a run's pictures. @param value content of `promptsFile` @returns `undefined` if it is none */
export function promptsOf(value: unknown): string[] | undefined {
  const prompts: unknown[] = Array.isArray(value) ? value : [];
  const isText = prompts.every((prompt): prompt is string => typeof prompt === "string");
  return isText && prompts.length > 0 ? prompts : undefined;
}

/**
 * Names of a model's classes; the samples of a picture show them in turn.
 *
 * @param config its `config.json`
 * @returns `undefined` for a model without classes
 */
export function classNamesOf(config: unknown): string[] | undefined {
  const { labelDim, classNames } = (config ?? {}) as { labelDim?: unknown; classNames?: unknown };
  if (typeof labelDim !== "number" || !(labelDim >= 1 && labelDim <= 100_000)) return undefined;
  return Array.from({ length: labelDim }, (_, label) => {
    const name: unknown = Array.isArray(classNames) ? classNames[label] : undefined;
    return typeof name === "string" ? name : `class ${label}`;
  });
}
