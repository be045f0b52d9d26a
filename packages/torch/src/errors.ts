/** Base of every error thrown by this library. */
export class TorchError extends Error {
  override name = "TorchError";
}

/** An operator refused its arguments. `operator` names it, with the shapes it was given. */
export class OperatorError extends TorchError {
  override name = "OperatorError";
  readonly operator: string;

  constructor(message: string, operator = "") {
    super(operator ? `${operator}: ${message.trim()}` : message.trim());
    this.operator = operator;
  }
}

/** A file or a set of weights is damaged, incomplete or does not fit the module. */
export class CheckpointError extends TorchError {
  override name = "CheckpointError";

  /** @param message may contain names from files; it is reduced to one printable line of bounded length */
  constructor(message: string) {
    const line = message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "?");
    super(line.length > 1200 ? `${line.slice(0, 900)} … ${line.slice(-300)}` : line);
  }
}
