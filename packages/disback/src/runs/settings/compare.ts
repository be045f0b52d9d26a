import { z } from "zod";
import { commonSettings, integer, positive, unconditional } from "./common.js";

/** Any settings of `disback distill`: they are checked when the runs are planned, with those they are laid over. */
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
        "paper: one set of hyper-parameters for all methods; best: each method at its best learning rates out of the same sweep",
      ),
    teacher: z.string().describe("the teacher: a model folder, a run of `teacher train`, or a shipped name"),
    unconditional: unconditional.describe(
      "a class-conditional teacher is asked without labels, and the students are unconditional",
    ),
    students: z
      .array(z.string())
      .min(1)
      .default(["same"])
      .describe(
        "how the students start, one comparison each: same, untrained, small, or a model's config file",
      ),
    seeds: seeds.default([1, 2, 3]).describe("seeds that are reported; methods share them"),
    methods: z
      .record(name, distillSettings)
      .default({ "diff-instruct": { method: "plain" }, disback: { method: "auto" } })
      .describe("the methods by name, each with the settings of `disback distill` that make it"),
    baseline: z.string().default("diff-instruct").describe("name of the method the others are held against"),
    common: distillSettings.default({}).describe("settings of `disback distill` that all methods share"),
    perStudent: z
      .record(z.string(), distillSettings)
      .default({})
      .describe("settings shared by all methods for one of the students"),
    learningRates: z
      .strictObject({
        student: z.array(positive).min(1).describe("the student's learning rates that are tried"),
        auxiliaryFactors: z
          .array(positive)
          .min(1)
          .default([2])
          .describe("the auxiliary model's learning rate, as multiples of the student's"),
        seeds: seeds.default([101]).describe("seeds by which rates are chosen; others than those reported"),
      })
      .optional()
      .describe("sweep of the protocol best"),
    figure: z
      .string()
      .optional()
      .describe(
        "figure compared, lower is better; fid or slicedWasserstein, whichever there is, when not given",
      ),
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
        `"${settings.baseline}" is none of the methods: ${Object.keys(settings.methods).join(", ")}`,
      );
    }
    for (const student of Object.keys(settings.perStudent)) {
      // A preset has settings for more kinds of students than a user may ask for.
      if (![...settings.students, ...KINDS].includes(student))
        refuse(["perStudent", student], "is none of the students");
    }
    if (settings.protocol === "best" && !settings.learningRates) {
      refuse(["learningRates"], "is required by the protocol best");
    }
    const shared = settings.learningRates?.seeds.find((seed) => settings.seeds.includes(seed));
    if (shared !== undefined) {
      refuse(
        ["learningRates", "seeds"],
        `holds ${shared}, which is reported: rates are chosen on other seeds`,
      );
    }
  });

export type CompareSettings = z.output<typeof compareSchema>;
