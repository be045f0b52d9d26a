import {
  chooseClass,
  chosenClass,
  chosenSeed,
  countField,
  positionField,
  promptField,
  seedField,
  showPosition,
  smoothField,
} from "./controls.js";

/** The controls' values as the part of the address after `#`. Opening it shows the same samples. */
export function writeAddress(): void {
  const values = new URLSearchParams({ seed: String(chosenSeed()), count: countField.value });
  if (promptField.value !== "") values.set("prompt", promptField.value);
  if (chosenClass() !== "all") values.set("class", chosenClass());
  if (positionField.value !== "0") values.set("position", String(Math.round(Number(positionField.value))));
  if (smoothField.checked) values.set("look", "smooth");
  history.replaceState(null, "", `#${values}`);
}

/** Sets the controls from the address. Missing or invalid values do not change them. */
export function readAddress(): void {
  const values = new URLSearchParams(location.hash.slice(1));
  const number = (name: string, most: number) => {
    const text = values.get(name);
    const value = Number(text);
    return text !== null && text !== "" && Number.isInteger(value) && value >= 0 && value <= most
      ? value
      : undefined;
  };
  const seed = number("seed", 2 ** 32 - 1);
  if (seed !== undefined) seedField.value = String(seed);
  const count = values.get("count");
  if ([...countField.options].some((option) => option.value === count)) countField.value = count!;
  const prompt = values.get("prompt");
  if (prompt !== null) promptField.value = prompt;
  chooseClass(values.get("class") ?? "all");
  showPosition(number("position", 100) ?? 0);
  if (values.has("seed")) smoothField.checked = values.get("look") === "smooth";
}
