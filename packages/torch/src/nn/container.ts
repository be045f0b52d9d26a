import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** A module that maps one tensor to one tensor. */
export interface Layer extends Module {
  forward(input: Tensor): Tensor;
}

/** Layers applied one after the other; keys "0.weight", "1.weight", … */
export class Sequential extends Module {
  private readonly layers: Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.layers = layers;
  }

  forward(input: Tensor): Tensor {
    let output = input;
    for (const layer of this.layers) output = layer.forward(output);
    return output;
  }

  override members(): [string, unknown][] {
    return Object.entries(this.layers);
  }
}

/** A list of modules with keys "0", "1", … */
export class ModuleList<T extends Module = Module> extends Module implements Iterable<T> {
  constructor(private readonly items: T[] = []) {
    super();
  }

  get length(): number {
    return this.items.length;
  }

  at(index: number): T | undefined {
    return this.items.at(index);
  }

  push(module: T): void {
    this.items.push(module);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]();
  }

  override members(): [string, unknown][] {
    return Object.entries(this.items);
  }
}

/** Modules by name; keys are the names, in insertion order. */
export class ModuleDict<T extends Module = Module> extends Module implements Iterable<[string, T]> {
  private readonly items: Record<string, T>;

  constructor(items: Record<string, T> = {}) {
    super();
    this.items = { ...items };
  }

  get(name: string): T | undefined {
    return this.items[name];
  }

  set(name: string, module: T): void {
    this.items[name] = module;
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return Object.entries(this.items)[Symbol.iterator]();
  }

  override members(): [string, unknown][] {
    return Object.entries(this.items);
  }
}
