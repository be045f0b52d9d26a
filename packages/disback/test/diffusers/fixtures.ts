import { fileURLToPath } from "node:url";
import type { DiffusersComponent } from "../../src/import/diffusers/folder.js";
import type { JsonObject } from "../../src/import/diffusers/json-file.js";

/** Path of a file made by a script in fixtures/diffusers. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/diffusers/${name}`, import.meta.url));

/** A component as if it had been read from a file. */
export function component(config: JsonObject): DiffusersComponent {
  const className = config["_class_name"] as string;
  const configPath = className.endsWith("Scheduler") ? "scheduler_config.json" : "config.json";
  return { name: "", className, folder: ".", configPath, config };
}

/** The scheduler that goes with most networks. */
export const ddpm = component({ _class_name: "DDPMScheduler" });
