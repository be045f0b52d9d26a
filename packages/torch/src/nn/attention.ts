import { noGrad } from "../autograd.js";
import { zeros } from "../creation.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type LayerOptions, xavierUniform } from "./initialization.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

export interface AttentionOptions {
  /** added to the logits, or bool with true where attention may look; broadcasts to `[N, heads, L, S]` */
  mask?: Tensor;
  /** position i sees positions up to i only (default false) */
  causal?: boolean;
}

/**
 * Multi-head attention (Vaswani et al. 2017, section 3.2) with PyTorch's keys: `in_proj_weight` [3E, E],
 * `in_proj_bias` [3E], `out_proj.weight` [E, E], `out_proj.bias` [E]. The batch comes first.
 */
export class MultiheadAttention extends Module {
  readonly in_proj_weight: Tensor;
  readonly in_proj_bias: Tensor | null;
  readonly out_proj: Linear;

  /** @param embedDim E, divisible by `heads` @throws TorchError if it is not */
  constructor(
    private readonly embedDim: number,
    private readonly heads: number,
    options: LayerOptions & { bias?: boolean } = {},
  ) {
    super();
    if (embedDim % heads !== 0) {
      throw new TorchError(`MultiheadAttention: embedDim ${embedDim} is not divisible by ${heads} heads`);
    }
    const placement = { dtype: options.dtype ?? "float32", device: options.device ?? "cpu" };
    // PyTorch draws out_proj first, keeps its weights and sets its bias to zero.
    this.out_proj = new Linear(embedDim, embedDim, options);
    noGrad(() => this.out_proj.bias?.zero_());
    this.in_proj_weight = parameter(xavierUniform([3 * embedDim, embedDim], options));
    this.in_proj_bias = options.bias === false ? null : parameter(zeros([3 * embedDim], placement));
  }

  /**
   * @param query `[N, L, E]`
   * @param key `[N, S, E]`, the query if absent
   * @param value `[N, S, E]`, the key if absent
   * @returns `[N, L, E]`
   */
  forward(query: Tensor, key = query, value = key, options: AttentionOptions = {}): Tensor {
    const [q, k, v] = this.project(query, key, value);
    const heads = ops.scaled_dot_product_attention(q, k, v, options.mask ?? null, 0, options.causal ?? false);
    return this.out_proj.forward(heads.transpose(1, 2).flatten(2));
  }

  private project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    if (query === key && key === value) {
      const [q, k, v] = ops.linear(query, this.in_proj_weight, this.in_proj_bias).chunk(3, -1);
      return [this.split(q!), this.split(k!), this.split(v!)];
    }
    const weights = this.in_proj_weight.chunk(3, 0);
    const biases = this.in_proj_bias?.chunk(3, 0) ?? [null, null, null];
    const [q, k, v] = [query, key, value].map((x, i) => this.split(ops.linear(x, weights[i]!, biases[i]!)));
    return [q!, k!, v!];
  }

  /** [N, L, E] -> [N, heads, L, E / heads] */
  private split(projected: Tensor): Tensor {
    const [batch, length] = projected.shape;
    return projected.view([batch!, length!, this.heads, this.embedDim / this.heads]).transpose(1, 2);
  }
}
