import { cat, ModuleList, ops, scope, stack, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type Condition, classCondition, classesOf } from "../condition.js";
import { type Denoiser, DenoiserModule } from "../denoiser.js";
import type { ModelFacts } from "../facts.js";
import { requireTaskLabels } from "./task-labels.js";

/** A teacher with the name of its task. */
export interface Task {
  name: string;
  denoiser: DenoiserModule;
}

/**
 * Several teachers as one: the class says which of them is asked,
 *
 *     D(x; sigma, (t, c)) = D_t(x; sigma, c).
 *
 * The classes of the first task come first, then those of the second, and so on; a task without classes has one. All that
 * needs a teacher takes this one: a student that imitates it learns all tasks.
 *
 * `facts.sigmaData` is the root of the mean of the teachers' squares: that of equally frequent tasks.
 */
export class TaskDenoiser extends DenoiserModule {
  readonly facts: ModelFacts;
  readonly sigmaMin: number | undefined;
  readonly sigmaMax: number | undefined;
  readonly tasks: ModuleList<DenoiserModule>;

  /** @throws DisbackError naming the task that does not fit the first */
  constructor(given: readonly Task[]) {
    super();
    for (const [place, task] of given.entries()) requireFitting(task, given.slice(0, place));
    this.tasks = new ModuleList(given.map(({ denoiser }) => denoiser));
    this.facts = factsOf(given);
    this.sigmaMin = bound(Math.max, given, ({ sigmaMin }) => sigmaMin);
    this.sigmaMax = bound(Math.min, given, ({ sigmaMax }) => sigmaMax);
  }

  /**
   * @param condition its `class` is one-hot over the classes of all tasks, `[N, K]` or `[1, K]`
   * @throws DisbackError if a sample is of no task
   */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return scope(() => {
      const count = x.shape[0]!;
      const labels = requireTaskLabels(condition, this.facts).expand([count, -1]);
      const levels = sigma.expand([count]);
      const shares = labels.split(Object.values(this.facts.tasks!), 1);
      const owners = stack(
        shares.map((share) => share.sum(1).ne(0)),
        1,
      );
      if (owners.sum(1).ne(1).any().item())
        throw new DisbackError("condition: each sample must be of one task's class, and of no other");
      const asked: { places: Tensor; estimate: Tensor }[] = [];
      for (const [task, denoiser] of [...this.tasks].entries()) {
        const places = owners.select(1, task).nonzero().flatten();
        if (places.shape[0] === 0) continue;
        const classes = classesOf(denoiser.facts) > 0 ? shares[task]!.indexSelect(0, places) : undefined;
        const [rows, level] = [x.indexSelect(0, places), levels.indexSelect(0, places)];
        const estimate = this.pass(rows, () => denoiser.denoise(rows, level, classCondition(classes)));
        asked.push({ places, estimate: estimate.to(x.dtype) });
      }
      const order = ops.argsort(cat(asked.map(({ places }) => places)));
      return cat(asked.map(({ estimate }) => estimate)).indexSelect(0, order);
    });
  }
}

function factsOf(given: readonly Task[]): ModelFacts {
  const { sampleShape } = given[0]!.denoiser.facts;
  const shares = given.map(({ denoiser }) => Math.max(1, classesOf(denoiser.facts)));
  const variance = given.reduce((sum, { denoiser }) => sum + denoiser.facts.sigmaData ** 2, 0);
  return {
    sampleShape,
    sigmaData: Math.sqrt(variance / given.length),
    condition: { class: [shares.reduce((sum, share) => sum + share, 0)] },
    classNames: given.flatMap(namesOf),
    tasks: Object.fromEntries(given.map(({ name }, place) => [name, shares[place]!])),
  };
}

/** `digits/3`, or the task's name if it has no classes. */
function namesOf({ name, denoiser: { facts } }: Task): string[] {
  const classes = classesOf(facts);
  if (classes === 0) return [name];
  return Array.from({ length: classes }, (_, place) => `${name}/${facts.classNames?.[place] ?? place}`);
}

function requireFitting({ name, denoiser: { facts } }: Task, before: readonly Task[]): void {
  if (before.some((other) => other.name === name))
    throw new DisbackError(`${name}: two tasks have this name`);
  const told = Object.keys(facts.condition).find((part) => part !== "class");
  if (told !== undefined)
    throw new DisbackError(
      `${name}: this teacher is told "${told}"; teachers of several tasks know classes at most`,
    );
  const [first] = before;
  if (first && first.denoiser.facts.sampleShape.join() !== facts.sampleShape.join())
    throw new DisbackError(
      `${name}: makes samples of shape [${facts.sampleShape.join(", ")}], ${first.name} [${first.denoiser.facts.sampleShape.join(", ")}]`,
    );
}

function bound(
  strictest: (...limits: number[]) => number,
  given: readonly Task[],
  limitOf: (denoiser: Denoiser) => number | undefined,
): number | undefined {
  const limits = given.map(({ denoiser }) => limitOf(denoiser)).filter((limit) => limit !== undefined);
  return limits.length > 0 ? strictest(...limits) : undefined;
}
