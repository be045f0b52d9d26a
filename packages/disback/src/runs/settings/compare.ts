import { z } from "zod";
import { commonSettings, integer, positive, unconditional } from "./common.js";

/** Any settings of `disback distill`. They are checked when the runs are planned, after merging. */
const distillSettings = z.record(z.string(), z.unknown());
/** Numbers may come from flags, as text. */
const seeds = z.array(z.coerce.number<number | string>().int().min(0)).min(1);
const name = z.string().regex(/^[\w.+-]+$/, "must be made of letters, digits and . + - _");

const KINDS = ["same", "untrained", "small"];

/** `disback compare` */
export const compareSchema = z
  .strictObject({
    protocol: z
      .enum(["paper", "best"])
      .default("paper")
      .describe(
        "paper: one set of hyper-parameters for all methods; best: each method at its best learning rates from the same sweep",
      ),
    teacher: z
      .string()
      .describe(
        "the teacher: a model folder, a run of `teacher train`, a shipped name, or your own module (.mjs)",
      ),
    unconditional: unconditional.describe(
      "use a class-conditional teacher without labels; the students are unconditional",
    ),
    students: z
      .array(z.string())
      .min(1)
      .default(["same"])
      .describe(
        "starts of the students, one comparison for each: same, untrained, small, a model's config file, or your own module (.mjs)",
      ),
    seeds: seeds.default([1, 2, 3]).describe("seeds that are reported; methods share them"),
    methods: z
      .record(name, distillSettings)
      .default({ "diff-instruct": { method: "plain" }, disback: { method: "auto" } })
      .describe("the methods by name, each with its settings of `disback distill`"),
    only: z.array(z.string()).min(1).optional().describe("names of the methods to run; all if not given"),
    baseline: z
      .string()
      .default("diff-instruct")
      .describe("name of the method that the others are compared with"),
    common: distillSettings.default({}).describe("settings of `disback distill` that all methods share"),
    perStudent: z
      .record(z.string(), distillSettings)
      .default({})
      .describe("settings of all methods for one of the students"),
    learningRates: z
      .strictObject({
        student: z.array(positive).min(1).describe("learning rates of the student to try"),
        auxiliaryFactors: z
          .array(positive)
          .min(1)
          .default([2])
          .describe("learning rates of the auxiliary model to try, as multiples of the student's"),
        seeds: seeds.default([101]).describe("seeds for choosing rates; different from those reported"),
      })
      .optional()
      .describe("sweep of the protocol best"),
    figure: z
      .string()
      .optional()
      .describe("compared figure, lower is better; default fid or slicedWasserstein"),
    levels: z
      .array(z.number().positive().max(1))
      .default([0.25, 0.5, 0.75, 0.9])
      .describe(
        "ladder of levels: fractions of the way from the start's figure to the teacher's, in log scale",
      ),
    device: commonSettings.device,
    threads: integer(1).default(1).describe("CPU threads of each run"),
  })
  .superRefine((settings, context) => {
    const refuse = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path, message, input: settings });
    if (!Object.hasOwn(settings.methods, settings.baseline)) {
      refuse(
        ["baseline"],
        `"${settings.baseline}" is not one of the methods: ${Object.keys(settings.methods).join(", ")}`,
      );
    }
    const unknown = settings.only?.find((method) => !Object.hasOwn(settings.methods, method));
    if (unknown !== undefined)
      refuse(["only"], `"${unknown}" is not one of the methods: ${Object.keys(settings.methods).join(", ")}`);
    if (settings.only && !settings.only.includes(settings.baseline))
      refuse(["only"], `leaves out the baseline, ${settings.baseline}: add it, or choose another baseline`);
    for (const student of Object.keys(settings.perStudent)) {
      // A preset may have settings for more kinds of students than the user requests.
      if (![...settings.students, ...KINDS].includes(student))
        refuse(["perStudent", student], "is not one of the students");
    }
    if (settings.protocol === "best" && !settings.learningRates) {
      refuse(["learningRates"], "is required by the protocol best");
    }
    const shared = settings.learningRates?.seeds.find((seed) => settings.seeds.includes(seed));
    if (shared !== undefined) {
      refuse(
        ["learningRates", "seeds"],
        `contains ${shared}, which is reported: choose rates on other seeds`,
      );
    }
  });

export type CompareSettings = z.output<typeof compareSchema>;

/** Names of the methods that are run. */
export function methodsOf({ methods, only }: CompareSettings): string[] {
  return Object.keys(methods).filter((method) => !only || only.includes(method));
}
