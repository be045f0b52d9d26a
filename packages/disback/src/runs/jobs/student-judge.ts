import type { Device } from "@disback/torch";
import { CachedPrompts } from "../../distill/cached-prompts.js";
import type { Student } from "../../distill/student.js";
import type { SampleJudge } from "../judge.js";
import { besideStage } from "../long-work.js";
import type { MetricsEntry } from "../metrics-log.js";
import type { OpenedModel } from "../opened-model.js";
import type { Figures } from "../progress.js";
import { requireSameData } from "../run-data.js";
import { decodedDrawer, type ShownDrawer, studentDrawer } from "../sample-drawer.js";
import type { BacktrackSettings } from "../settings/distillation.js";
import type { JobContext } from "./job.js";
import { drawPicture, type EvaluationSettings, judgeDrawer, openTrainingJudge } from "./judging.js";

/** How a student is shown and judged while it is trained, in every stage alike. */
export class StudentJudge {
  private constructor(
    private readonly context: JobContext,
    private readonly codec: OpenedModel["codec"],
    private readonly evaluation: EvaluationSettings,
    private readonly device: Device,
    /** Absent when there is nothing to compare with. */
    readonly judge: SampleJudge | undefined,
  ) {}

  static async open(
    settings: Omit<BacktrackSettings, "trajectory">,
    teacher: Pick<OpenedModel, "codec" | "facts">,
    context: JobContext,
  ): Promise<StudentJudge> {
    const { evaluation } = settings;
    const device = settings.device as Device;
    const judge = await openTrainingJudge(settings, teacher, context);
    const { dataset } = judge ?? {};
    if (context.processes.leads && dataset && settings.data !== undefined && !evaluation.reference)
      await requireSameData(context.run, settings.data, dataset, context.otherData);
    return new StudentJudge(context, teacher.codec, evaluation, device, judge);
  }

  /** Draws what the student makes, always from the same latents. */
  drawer(student: Student): ShownDrawer {
    return decodedDrawer(
      studentDrawer(student, { seed: this.evaluation.seed, device: this.device, ...encodedBy(student) }),
      this.codec,
    );
  }

  /** Writes the picture of a stage's iteration. @returns the headline figures and the samples' spread */
  async evaluate(stage: MetricsEntry["stage"], iteration: number, student: Student): Promise<Figures> {
    const { judge, context } = this;
    const { run, processes } = context;
    const path = run.samplePath(stage, iteration);
    const { grid, samples } = this.evaluation;
    const drawn = await processes.first(() =>
      drawPicture(path, this.drawer(student), grid, besideStage(context, "drawing", grid)),
    );
    if (!judge || Number.isNaN(drawn.spread)) return drawn;
    const between = besideStage(context, "judging", samples);
    const drawer = this.drawer(student);
    return { ...(await judgeDrawer(judge, drawer, this.evaluation, processes, between)).figures, ...drawn };
  }
}

/** Prompts that something else encodes for the student. */
function encodedBy({ conditions }: Student): { encoded?: CachedPrompts } {
  return conditions instanceof CachedPrompts ? { encoded: conditions } : {};
}
