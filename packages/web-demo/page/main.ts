import { LatentSource } from "@disback/generate/core";
import { readAddress, writeAddress } from "./address.js";
import {
  chosenSeed,
  chosenShown,
  continuousButton,
  countField,
  element,
  generateButton,
  movingField,
  offer,
  positionField,
  promptField,
  raceButton,
  saveButton,
  seedField,
  shareButton,
  showPosition,
  smoothField,
} from "./controls.js";
import { draw } from "./draw.js";
import { latentsBetween } from "./latents.js";
import { type OpenedModel, openModel } from "./open-model.js";
import { race } from "./race.js";
import { readSite, type Site } from "./site.js";

const canvas = element<HTMLCanvasElement>("samples");

/** Speed of the continuous motion from seed to seed, in percent per second. */
const pace = 40;

function describe({ generator, backend }: OpenedModel): string {
  const { sampleShape, labelDim, kind, precision, text } = generator.description;
  const { steps } = generator;
  const [height, width] = sampleShape.slice(-2);
  const frames = sampleShape.length === 4 ? `${sampleShape[1]} frames of ` : "";
  const size = sampleShape.length >= 3 ? `${frames}${width}×${height} pixels` : "points";
  const classes = text ? "draws what you type" : labelDim > 0 ? `${labelDim} classes` : "no classes";
  const passes =
    kind === "denoiser"
      ? "a teacher: 35 passes per sample"
      : steps === 1
        ? "one pass per sample"
        : `${steps} passes per sample`;
  return [size, classes, passes, precision, backend].join(" · ");
}

/** `3.7 MB loaded`: the page with model and runtime, as they come from the server. */
function loadedText(): string {
  const files = [
    ...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource"),
  ] as PerformanceResourceTiming[];
  const bytes = files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  return `${(bytes / 1e6).toPrecision(2)} MB loaded`;
}

function run(opened: OpenedModel, site: Site): void {
  const { generator } = opened;
  let busy = false;
  let again = false;
  let continuous = false;
  let teacher: Promise<OpenedModel> | undefined;

  /** Generates and shows samples with the controls' values. If called again meanwhile, repeats once afterwards. */
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
    leaveRace();
    const count = Number(countField.value);
    const latents = latentsBetween(generator, chosenSeed(), Number(positionField.value) / 100, count);
    const shown = chosenShown(generator, count);
    if (shown === "none") return;
    const began = performance.now();
    const samples = await generator.fromLatents(latents, shown);
    const seconds = (performance.now() - began) / 1000;
    draw(canvas, samples, generator.description, smoothField.checked);
    canvas.dataset.seed = seedField.value;
    canvas.dataset.prompt = promptField.value;
    element("speed").textContent = `${(count / seconds).toFixed(count / seconds < 10 ? 1 : 0)} samples/s`;
    if (!continuous) writeAddress();
  }

  /** Runs one race with the controls' values and the seed's own noise, not interpolated noise. */
  async function runRace(): Promise<void> {
    if (raceButton.disabled || !site.teacher) return;
    raceButton.disabled = true;
    continuous = false;
    continuousButton.setAttribute("aria-pressed", "false");
    while (busy) await new Promise(requestAnimationFrame);
    busy = true;
    try {
      showPosition(0);
      writeAddress();
      element("race-result").textContent = teacher ? "" : "Loading the teacher …";
      element("stage").classList.add("racing");
      teacher ??= openModel(`./${site.teacher.file}`, site.webgpu ?? false);
      const opponent = await teacher;
      element("race-result").textContent = "";
      const count = Number(countField.value);
      const shown = chosenShown(generator, count);
      if (shown === "none") return;
      const noise = (steps: number) =>
        new LatentSource(chosenSeed(), generator.sampleSize, steps).next(count);
      await race({
        student: opened,
        teacher: opponent,
        steps: site.teacher.steps,
        latents: noise(generator.steps),
        teacherLatents: noise(1),
        shown,
        smooth: smoothField.checked,
      });
    } catch (error) {
      teacher = undefined;
      element("race-result").textContent = error instanceof Error ? error.message : String(error);
    } finally {
      raceButton.disabled = false;
      busy = false;
    }
    if (again) void update();
  }

  function leaveRace(): void {
    element("stage").classList.remove("racing");
    element("race-result").textContent = "";
  }

  function next(): void {
    seedField.value = String((chosenSeed() + 1) % 2 ** 32);
    showPosition(0);
  }

  async function runContinuously(): Promise<void> {
    let before = performance.now();
    while (continuous) {
      const now = await new Promise<number>(requestAnimationFrame);
      // Stopped meanwhile, for example by a race.
      if (!continuous) break;
      const position = Number(positionField.value) + ((now - before) / 1000) * pace;
      before = now;
      if (!movingField.checked || position >= 100) next();
      else showPosition(position);
      await update();
    }
    writeAddress();
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
    if (event.target !== movingField) void update();
  });
  addEventListener("hashchange", () => {
    readAddress();
    void update();
  });
  continuousButton.addEventListener("click", toggle);
  raceButton.addEventListener("click", () => void runRace());
  shareButton.addEventListener("click", () => void share());
  saveButton.addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === promptField) return;
    if (event.key === "g") generate();
    if (event.key === "c") toggle();
    if (event.key === "r" && !raceButton.hidden) void runRace();
  });
  void update();
}

/** The address always matches what is shown. */
async function share(): Promise<void> {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    element("speed").textContent = "Link copied.";
  } catch {
    // Without permission, or over plain http, the address bar still has the link.
    element("speed").textContent = "The address bar has the link.";
  }
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
    const site = await readSite();
    if (site.name !== undefined) {
      element("title").textContent = site.name;
      document.title = site.name;
    }
    const opened = await openModel("./model.onnx", site.webgpu ?? false);
    facts.textContent = `${describe(opened)} · ${loadedText()}`;
    offer(opened.generator.description, site);
    readAddress();
    run(opened, site);
    (opened.generator.description.text ? promptField : generateButton).focus();
  } catch (error) {
    facts.textContent = "The model could not be opened.";
    const problem = element("problem");
    problem.hidden = false;
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

void start();
