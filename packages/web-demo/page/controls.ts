import type { ModelDescription } from "@disback/generate/core";

/** An element of the page that is surely there. */
export function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export const seedField = element<HTMLInputElement>("seed");
export const countField = element<HTMLSelectElement>("count");
export const positionField = element<HTMLInputElement>("position");
export const smoothField = element<HTMLInputElement>("smooth");
export const generateButton = element<HTMLButtonElement>("generate");
export const continuousButton = element<HTMLButtonElement>("continuous");
export const saveButton = element<HTMLButtonElement>("save");

/** Offers counts and classes that fit the model, and lets the buttons be pressed. */
export function offer({ sampleShape, labelDim, kind }: ModelDescription): void {
  const images = sampleShape.length === 3;
  const counts = images ? [1, 4, 9, 16, 36, 64] : [256, 1024, 4096];
  const chosen = images ? (kind === "student" ? 16 : 4) : 1024;
  for (const count of counts)
    countField.add(new Option(String(count), String(count), false, count === chosen));
  if (labelDim > 0) {
    for (const value of ["all", ...Array.from({ length: labelDim }, (_, index) => String(index))]) {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "class", value });
      input.checked = value === "all";
      label.append(input, Object.assign(document.createElement("span"), { textContent: value }));
      element("class-list").append(label);
    }
    element("classes").hidden = false;
  }
  for (const button of [generateButton, continuousButton, saveButton]) button.disabled = false;
}

/** Class of each sample: the chosen one, or all in turn; undefined for a model without classes. */
export function chosenLabels(count: number, labelDim: number): number[] | undefined {
  if (labelDim === 0) return undefined;
  const value = document.querySelector<HTMLInputElement>("input[name=class]:checked")?.value ?? "all";
  return Array.from({ length: count }, (_, index) => (value === "all" ? index % labelDim : Number(value)));
}

/** The seed in its field; 0 for what is no seed. */
export function chosenSeed(): number {
  const seed = Number(seedField.value);
  return Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : 0;
}

export function showPosition(percent: number): void {
  positionField.value = String(percent);
  element("position-shown").textContent = `${Math.round(percent)} %`;
}
