import type { ModelDescription } from "@disback/generate/core";
import {
  chosenLabels,
  chosenSeed,
  continuousButton,
  countField,
  element,
  generateButton,
  offer,
  positionField,
  saveButton,
  seedField,
  showPosition,
  smoothField,
} from "./controls.js";
import { draw } from "./draw.js";
import { latentsBetween } from "./latents.js";
import { type OpenedModel, openModel } from "./open-model.js";

const canvas = element<HTMLCanvasElement>("samples");

/** Way from seed to seed per second when moving continuously, in percent. */
const pace = 40;

function describe({ generator, backend }: OpenedModel): string {
  const { sampleShape, labelDim, kind, precision } = generator.description;
  const { steps } = generator;
  const size = sampleShape.length === 3 ? `${sampleShape[2]}×${sampleShape[1]} pixels` : "points";
  const classes = labelDim > 0 ? `${labelDim} classes` : "no classes";
  const passes =
    kind === "denoiser"
      ? "a teacher: 35 passes per sample"
      : steps === 1
        ? "one pass per sample"
        : `${steps} passes per sample`;
  return [size, classes, passes, precision, backend].join(" · ");
}

function run({ generator }: OpenedModel, { labelDim }: ModelDescription): void {
  let busy = false;
  let again = false;
  let continuous = false;

  /** Makes and shows what the controls say; asked again meanwhile, it does so once more when it is done. */
  async function update(): Promise<void> {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      await show();
    }
    busy = false;
  }

  async function show(): Promise<void> {
    const count = Number(countField.value);
    const latents = latentsBetween(generator, chosenSeed(), Number(positionField.value) / 100, count);
    const began = performance.now();
    const samples = await generator.fromLatents(latents, chosenLabels(count, labelDim));
    const seconds = (performance.now() - began) / 1000;
    draw(canvas, samples, generator.description);
    canvas.dataset.seed = seedField.value;
    element("speed").textContent = `${(count / seconds).toFixed(count / seconds < 10 ? 1 : 0)} samples/s`;
  }

  function next(): void {
    seedField.value = String((chosenSeed() + 1) % 2 ** 32);
    showPosition(0);
  }

  async function runContinuously(): Promise<void> {
    let before = performance.now();
    while (continuous) {
      const now = await new Promise<number>(requestAnimationFrame);
      const position = Number(positionField.value) + ((now - before) / 1000) * pace;
      before = now;
      if (!smoothField.checked || position >= 100) next();
      else showPosition(position);
      await update();
    }
  }

  function toggle(): void {
    continuous = !continuous;
    continuousButton.setAttribute("aria-pressed", String(continuous));
    if (continuous) void runContinuously();
  }

  function generate(): void {
    next();
    void update();
  }

  element<HTMLFormElement>("controls").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  element("controls").addEventListener("input", (event) => {
    if (event.target === positionField) showPosition(Number(positionField.value));
    if (event.target !== smoothField) void update();
  });
  continuousButton.addEventListener("click", toggle);
  saveButton.addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "g") generate();
    if (event.key === "c") toggle();
  });
  void update();
}

function save(): void {
  const link = document.createElement("a");
  link.download = `samples-${seedField.value}.png`;
  link.href = canvas.toDataURL("image/png");
  link.click();
}

async function start(): Promise<void> {
  const facts = element("facts");
  try {
    const opened = await openModel("./model.onnx");
    facts.textContent = describe(opened);
    offer(opened.generator.description);
    run(opened, opened.generator.description);
    generateButton.focus();
  } catch (error) {
    facts.textContent = "The model could not be opened.";
    const problem = element("problem");
    problem.hidden = false;
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

void start();
