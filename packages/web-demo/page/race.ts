import type { Shown } from "@disback/generate/core";
import { element } from "./controls.js";
import { draw } from "./draw.js";
import type { OpenedModel } from "./open-model.js";

/** The inputs of a race. */
export interface Race {
  student: OpenedModel;
  teacher: OpenedModel;
  /** steps of the teacher's sampler */
  steps: number;
  latents: Float32Array;
  /** noise of the student's first step, which the teacher uses too */
  teacherLatents: Float32Array;
  /** class or tokens of each sample */
  shown: Shown | undefined;
  smooth: boolean;
}

/**
 * Student and teacher draw the same samples from the same noise, one after the other; each clock counts only its own
 * model's work. The teacher's picture shows its current estimate.
 */
export async function race({ student, teacher, latents, shown, ...rest }: Race): Promise<void> {
  const { steps, teacherLatents, smooth } = rest;
  const { description } = student.generator;
  const show = (who: "student" | "teacher", samples: Float32Array, done: string, time: number) => {
    const canvas = who === "student" ? "samples" : "teacher-samples";
    draw(element<HTMLCanvasElement>(canvas), samples, description, smooth);
    element(`${who}-evaluations`).textContent = done;
    element(`${who}-clock`).textContent = milliseconds(time);
  };
  show("student", teacherLatents, "noise", 0);
  show("teacher", teacherLatents, "the same noise", 0);
  await nextFrame();
  const began = performance.now();
  const samples = await student.generator.fromLatents(latents, shown);
  const own = performance.now() - began;
  show("student", samples, evaluations(student.generator.steps), own);
  await nextFrame();
  let spent = 0;
  let since = performance.now();
  let count = 0;
  const drawn = await teacher.generator.fromLatents(teacherLatents, shown, {
    steps,
    onEvaluation: async (estimate, done, total) => {
      spent += performance.now() - since;
      count = total;
      show("teacher", estimate, `${done} of ${evaluations(total)}`, spent);
      await nextFrame();
      since = performance.now();
    },
  });
  spent += performance.now() - since;
  show("teacher", drawn, evaluations(count), spent);
  element("race-result").textContent = `The student is ${(spent / own).toPrecision(2)} times as fast.`;
}

function evaluations(count: number): string {
  return `${count} ${count === 1 ? "evaluation" : "evaluations"}`;
}

function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time).toLocaleString("en")} ms`;
}

function nextFrame(): Promise<unknown> {
  return new Promise(requestAnimationFrame);
}
