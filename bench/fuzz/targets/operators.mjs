// All generated operators, with arguments of right and wrong kinds.
import { call, manualSeed, ops, scope } from "@disback/torch";
import { generatedOperators } from "../schemas.mjs";
import { argumentFor, tasteOf } from "../values.mjs";

const operators = generatedOperators();

/** These compute for as long as one of their arguments says, however large. That is no fault, but gives no answer. */
const loops = /_polynomial_/;
const bounded = (value) => (typeof value === "bigint" || Math.abs(value) > 1000 ? 3 : value);

/** Arguments in words, for a report. */
export function describe(value) {
  if (value?.handle !== undefined && typeof value.handle === "number") {
    try {
      return `[${value.shape}] ${value.dtype}`;
    } catch {
      return "odd tensor";
    }
  }
  if (Array.isArray(value)) return `[${value.map(describe).join("; ")}]`;
  return typeof value === "bigint"
    ? `${value}n`
    : String(typeof value === "object" ? value && "object" : typeof value === "symbol" ? "symbol" : value);
}

export function open() {
  return {
    milliseconds: 10_000,
    memory: () => Infinity,
    make: (random, index) => ({ random, operator: operators[index % operators.length] }),
    run({ random, operator }) {
      manualSeed(1);
      scope(() => {
        const door = random.chance(30);
        const taste = { ...tasteOf(random), door, strange: random.pick([0, 0, 2, 15]) };
        const values = operator.arguments
          .map((argument) => argumentFor(random, argument, taste))
          .map((value) => (loops.test(operator.name) ? bounded(value) : value));
        if (random.chance(4)) values.pop();
        if (random.chance(2)) values.push(1, 2, 3);
        if (process.env.FUZZ_TELL) console.error(operator.schema, "\n  ", values.map(describe).join(" | "));
        const result = door
          ? call(operator.name, operator.overload, ...values)
          : ops[operator.javascript](...values);
        // Backward as well, where there is a graph.
        if (result?.requiresGrad && random.chance(50)) result.sum().backward();
      });
    },
    judge: (error) => (error instanceof Error ? undefined : "not an Error"),
  };
}
