/** Every ATen operator as a typed function, arguments in the order of its schema. */
export * as ops from "./generated/ops.js";
