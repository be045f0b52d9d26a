import type { Device } from "@disback/torch";
import type { Condition } from "../models/condition.js";

/** Prompts in the form in which one model is told them. */
export interface PromptRows {
  readonly texts: readonly string[];
  /** what is not read of them, a line each */
  readonly unread: readonly string[];
  /** @param places of prompts, from 0; repeats allowed @returns what the model is told, one row for each */
  conditions(places: readonly number[], device: Device): Condition;
  /** What stands for "no prompt", one row; absent if the model knows it by itself. */
  none?(device: Device): Condition;
}
