import type { ModelDescription, OnnxGenerator, Shown } from "@disback/generate/core";
import { describeUnread, GenerateError } from "@disback/generate/core";
import type { Site } from "./site.js";

/** An element that the page always has. */
export function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export const seedField = element<HTMLInputElement>("seed");
export const promptField = element<HTMLInputElement>("prompt");
export const countField = element<HTMLSelectElement>("count");
export const positionField = element<HTMLInputElement>("position");
export const movingField = element<HTMLInputElement>("moving");
export const smoothField = element<HTMLInputElement>("smooth");
export const generateButton = element<HTMLButtonElement>("generate");
export const continuousButton = element<HTMLButtonElement>("continuous");
export const raceButton = element<HTMLButtonElement>("race");
export const shareButton = element<HTMLButtonElement>("share");
export const saveButton = element<HTMLButtonElement>("save");

/** Offers counts and classes that fit the model, and enables the buttons. */
export function offer(
  { sampleShape, labelDim, kind, classNames, text }: ModelDescription,
  { teacher }: Site,
): void {
  const images = sampleShape.length >= 3;
  const counts = images ? [1, 4, 9, 16, 36, 64] : [256, 1024, 4096];
  // Of one text, a few pictures say as much as many.
  const chosen = images ? (kind === "student" && !text ? 16 : 4) : 1024;
  for (const count of counts)
    countField.add(new Option(String(count), String(count), false, count === chosen));
  if (labelDim > 0) {
    addClass("all", "all");
    for (let label = 0; label < labelDim; label++)
      addClass(String(label), classNames?.[label] ?? String(label));
    element("classes").hidden = false;
  }
  if (text) {
    for (const prompt of text.prompts) element("known-prompts").append(new Option(prompt, prompt));
    promptField.value = text.prompts[0] ?? "";
    element("prompt-row").hidden = false;
  }
  smoothField.closest("label")!.hidden = !images;
  raceButton.hidden = kind !== "student" || teacher === undefined;
  for (const button of [generateButton, continuousButton, raceButton, shareButton, saveButton])
    button.disabled = false;
}

function addClass(value: string, name: string): void {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "class", value });
  input.checked = value === "all";
  label.append(input, Object.assign(document.createElement("span"), { textContent: name }));
  element("class-list").append(label);
}

/** `all`, or a class's number. */
export function chosenClass(): string {
  return document.querySelector<HTMLInputElement>("input[name=class]:checked")?.value ?? "all";
}

export function chooseClass(value: string): void {
  const inputs = document.querySelectorAll<HTMLInputElement>("input[name=class]");
  for (const input of inputs) if (input.value === value) input.checked = true;
}

/**
 * What each sample shows: the chosen class, or all in turn, or the prompt. What is not read of a prompt is told below it.
 * @returns undefined for a model that is told nothing, and "none" for a prompt that nothing can be drawn for
 */
export function chosenShown(generator: OnnxGenerator, count: number): Shown | undefined | "none" {
  const { labelDim, text } = generator.description;
  if (text) {
    const tokens = readPrompt(generator, text.textLength);
    return tokens ? Array<readonly number[]>(count).fill(tokens) : "none";
  }
  if (labelDim === 0) return undefined;
  const value = chosenClass();
  return Array.from({ length: count }, (_, index) => (value === "all" ? index % labelDim : Number(value)));
}

function readPrompt(generator: OnnxGenerator, textLength: number): readonly number[] | undefined {
  const note = element("unread");
  try {
    const read = generator.read(promptField.value);
    note.textContent = describeUnread(read, textLength).join(" ");
    return read.tokens;
  } catch (error) {
    if (!(error instanceof GenerateError)) throw error;
    note.textContent = error.message;
    return undefined;
  }
}

/** The seed in its field; 0 if it is invalid. */
export function chosenSeed(): number {
  const seed = Number(seedField.value);
  return Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : 0;
}

export function showPosition(percent: number): void {
  positionField.value = String(percent);
  element("position-shown").textContent = `${Math.round(percent)} %`;
}
