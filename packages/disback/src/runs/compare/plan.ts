import { basename, join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { CompareSettings } from "../settings/compare.js";
import { describeSettings } from "../settings/describe.js";
import { type DistillSettings, distillSchema } from "../settings/distillation.js";
import { layer, type SettingsTree } from "../settings/layers.js";
import { describeIssue } from "../settings/messages.js";
import { withObjectiveDefaults } from "../settings/objectives.js";

/** Learning rates of a candidate of the sweep. */
export interface LearningRates {
  studentLearningRate: number;
  auxiliaryLearningRate: number;
}

/** One distillation of the comparison. */
export interface ChildRun {
  student: string;
  method: string;
  seed: number;
  rates: LearningRates;
  /** Run folder, relative to that of the comparison. */
  folder: string;
  settings: DistillSettings;
}

/** The values to combine into runs. */
export interface Wanted {
  students: readonly string[];
  methods: readonly string[];
  seeds: readonly number[];
  /** Default: those in the settings. */
  rates?: (student: string, method: string) => readonly LearningRates[];
}

/**
 * The runs, ordered so that the methods of one student and seed run in parallel, under the same load.
 *
 * @throws DisbackError naming the wrong setting and its place
 */
export function planRuns(settings: CompareSettings, wanted: Wanted): ChildRun[] {
  return wanted.students.flatMap((student) =>
    wanted.seeds.flatMap((seed) =>
      wanted.methods.flatMap((method) =>
        (wanted.rates?.(student, method) ?? [undefined]).map((rates) =>
          childRun(settings, student, method, seed, rates),
        ),
      ),
    ),
  );
}

/** Every pair of learning rates of the sweep. */
export function candidateRates(settings: CompareSettings): LearningRates[] {
  const { student = [], auxiliaryFactors = [] } = settings.learningRates ?? {};
  return student.flatMap((studentLearningRate) =>
    auxiliaryFactors.map((factor) => ({
      studentLearningRate,
      // Rounded, so that 3 times 1e-4 is 3e-4.
      auxiliaryLearningRate: Number((studentLearningRate * factor).toPrecision(12)),
    })),
  );
}

function childRun(
  settings: CompareSettings,
  student: string,
  method: string,
  seed: number,
  rates: LearningRates | undefined,
): ChildRun {
  const { common, perStudent, methods, teacher, unconditional, device, threads } = settings;
  const shared = { teacher, unconditional, student, seed, device, threads };
  for (const [place, tree] of [
    ["common", common],
    [`perStudent.${student}`, perStudent[student] ?? {}],
    [`methods.${method}`, methods[method]!],
  ] as const) {
    const fixed = Object.keys(shared).find((name) => Object.hasOwn(tree, name));
    if (fixed)
      throw new DisbackError(`"${place}.${fixed}" is the same for all runs: set it for the comparison`);
  }
  const layers: SettingsTree[] = [
    // A run that diverges is a result. With another learning rate it would be another method.
    { onDivergence: "stop" },
    // The teacher is evaluated once for all runs.
    { evaluation: { teacher: false }, checkpoints: { keepLast: 1, keepBest: false } },
    common,
    perStudent[student] ?? {},
    methods[method]!,
    shared,
    rates ? { backtracking: { ...rates } } : {},
  ];
  const tree = withObjectiveDefaults(layers.reduce(layer));
  const parsed = distillSchema.safeParse(tree);
  if (!parsed.success) {
    const known = describeSettings(distillSchema).map((entry) => entry.path);
    throw new DisbackError(
      `method ${method}, student ${student}: ${describeIssue(parsed.error, tree, known)}`,
    );
  }
  const { studentLearningRate, auxiliaryLearningRate } = parsed.data.backtracking;
  const label = `rates-${exponential(studentLearningRate)}-${exponential(auxiliaryLearningRate)}`;
  return {
    student,
    method,
    seed,
    rates: { studentLearningRate, auxiliaryLearningRate },
    folder: join("runs", basename(student), method, label, `seed-${seed}`),
    settings: parsed.data,
  };
}

/** `1e-4`, `2.5e-5`. */
export function exponential(value: number): string {
  return value.toExponential().replace("e+", "e");
}
