// Which overload of an operator has its plain name, and which overloads are one function.

/** Usual overloads that no rule finds: what a PyTorch user means by the plain name. */
const usual = {
  all: "dims",
  any: "dims",
  cumulative_trapezoid: "dx",
  dsplit: "int",
  gradient: "scalarint",
  hsplit: "int",
  mean: "dim",
  moveaxis: "int",
  movedim: "int",
  norm: "Scalar",
  repeat_interleave: "self_Tensor",
  std: "correction",
  std_mean: "correction",
  sum: "dim_IntList",
  tensor_split: "sections",
  to: "dtype",
  trapezoid: "dx",
  trapz: "dx",
  var: "correction",
  var_mean: "correction",
  vsplit: "int",
  where: "self",
};

/** The rule for all others: the first of these that an operator has. */
const order = [
  "",
  "List",
  "Tensor",
  "Tensor_Tensor",
  "Scalar",
  "self",
  "src",
  "input",
  "input_legacy",
  "int_Tensor",
  "bin_ct",
  "indices",
];

/** @returns the overload whose function has the operator's name */
export function usualOverload(name, operators) {
  const overloads = operators.map(({ overload }) => overload);
  if (overloads.length === 1) return overloads[0];
  const found = usual[name] ?? order.find((overload) => overloads.includes(overload));
  const sized = overloads.find((overload) => overload.endsWith("_value_size"));
  if (overloads.includes(found)) return found;
  if (sized) return sized;
  throw new Error(`${name}: which overload is usual? ${overloads.join(", ")}`);
}

const numbers = ["Scalar", "float", "int", "SymInt"];

/**
 * Overloads with a tensor in one place, and for each the one that takes a number there, all else being the same. Of two
 * such places the last one counts: a power's exponent rather than its base.
 */
export function pairsOf(operators) {
  const pairs = new Map();
  for (const operator of operators) {
    const found = operators
      .map((other) => [numberInstead(operator, other), other])
      .filter(([place]) => place >= 0)
      .sort(([a], [b]) => b - a)[0];
    if (found) pairs.set(operator, found[1]);
  }
  return pairs;
}

/** Where `plain` takes a number and `tensors` a tensor, if that is the only difference; else -1. */
function numberInstead(tensors, plain) {
  if (tensors.parameters.length !== plain.parameters.length || tensors.result.ts !== plain.result.ts)
    return -1;
  const differing = [...tensors.parameters.keys()].filter(
    (i) => tensors.parameters[i].schemaType !== plain.parameters[i].schemaType,
  );
  const [place] = differing;
  const fits =
    differing.length === 1 &&
    tensors.parameters[place].schemaType === "Tensor" &&
    numbers.includes(plain.parameters[place].schemaType);
  return fits ? place : -1;
}

/**
 * @param numbers the overload that is one function with this one: its name needs no word for the tensor
 * @param taken the plain names of all operators
 */
export function identifierOf({ name, overload }, usualOverload, numbers, taken) {
  if (overload === usualOverload || (numbers && numbers.overload === usualOverload)) return name;
  if (!numbers) return `${name}_${overload || "default"}`;
  const words = overload.split("_").filter((word) => word !== "Tensor");
  const short = `${name}_${words.join("_")}`;
  return words.length === 0 || taken.has(short) ? `${name}_${numbers.overload}` : short;
}
