import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { shown } from "../pickle/text-values.js";
import type { JsonObject } from "./json-file.js";

/** A configuration and its file. */
export interface GivenConfig {
  config: JsonObject;
  /** path of its file, for messages */
  configPath: string;
}

/** Fields in which the library describes itself. */
const bookkeeping = /^_(class_name|diffusers_version|name_or_path|use_default_values|commit_hash)$/;

/** Fields that `EMAModel.save_pretrained` adds: how the average was made. */
const averaging = new Set(
  "decay min_decay optimization_step update_after_step use_ema_warmup inv_gamma power".split(" "),
);

/** A field that supports only these values. The message names the given one. */
export function only<const Value extends string | number | boolean | null>(...values: Value[]) {
  const known = values.map((value) => JSON.stringify(value)).join(" or ");
  const error = ({ input }: { input?: unknown }) =>
    `${shown(JSON.stringify(input) ?? "nothing")} is not supported, only ${known}`;
  return z.literal(values, { error }).optional();
}

/**
 * Checks a configuration of which every field must be known, and fills in the library's defaults. An unknown field that
 * is null counts as unused.
 * @param harmless fields without effect on the result
 * @param check fields that do not fit each other: calls `fail` with a field and what is wrong with it
 * @throws DisbackError naming the file and the fields that are wrong or unknown, with their values
 */
export function parseStrictFields<Shape extends z.ZodRawShape>(
  shape: Shape,
  harmless: readonly string[],
  { config, configPath }: GivenConfig,
  check: (
    given: z.output<z.ZodObject<Shape>>,
    fail: (field: string, message: string) => void,
  ) => void = () => {},
): z.output<z.ZodObject<Shape>> {
  const known = new Set([...Object.keys(shape), ...harmless]);
  const problems = Object.entries(config)
    .filter(([name, value]) => !known.has(name) && !isAside(name) && value !== null)
    .map(
      ([name, value]) => `"${shown(name)}": unknown field, with the value ${shown(JSON.stringify(value))}`,
    );
  const result = z.object(shape).safeParse(config);
  if (result.success) check(result.data, (field, message) => problems.push(`"${field}": ${message}`));
  if (result.success && problems.length === 0) return result.data;
  for (const { path, message } of result.error?.issues ?? [])
    problems.push(`"${path.join(".")}": ${message}`);
  throw new DisbackError(`${configPath}: ${problems.join("; ")}`);
}

const isAside = (name: string) => bookkeeping.test(name) || averaging.has(name);
