import { ops, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";

/**
 * The divergence of generalized knowledge distillation (Agarwal et al. 2024, eq. 1 and 2) between the teacher's distribution
 * T and the student's S, with `M = beta T + (1 - beta) S`:
 *
 *     beta KL(T | M) + (1 - beta) KL(S | M),    0 < beta < 1
 *
 * Its ends are the forward divergence `KL(T | S)` at 0 and the reverse one `KL(S | T)` at 1, as in TRL's `GKDTrainer`.
 * @param student log probabilities `[N, L, V]` @param teacher like `student`
 * @returns the mean over all tokens, in nats, a tensor `[]`
 */
export function generalizedDivergence(student: Tensor, teacher: Tensor, beta: number): Tensor {
  if (beta === 0) return meanDivergence(teacher, student);
  if (beta === 1) return meanDivergence(student, teacher);
  const mixture = ops.logaddexp(teacher.add(Math.log(beta)), student.add(Math.log(1 - beta)));
  return meanDivergence(teacher, mixture)
    .mul(beta)
    .add(meanDivergence(student, mixture).mul(1 - beta));
}

/** `KL(P | Q)` of log probabilities, averaged over all tokens. */
function meanDivergence(p: Tensor, q: Tensor): Tensor {
  return p.exp().mul(p.sub(q)).sum(-1).mean();
}

/** @throws DisbackError naming the option that is not in [0, 1] */
export function requireShare(objective: string, name: string, value: number): void {
  if (!(value >= 0 && value <= 1))
    throw new DisbackError(`${objective}: "${name}" must be from 0 to 1, not ${value}`);
}
