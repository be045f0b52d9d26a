/** Keys of attention layers as diffusers named them before version 0.15. */
const formerNames = { query: "to_q", key: "to_k", value: "to_v", proj_attn: "to_out.0" } as const;

/** The current key of an attention layer. */
export function presentKey(key: string): string {
  return key.replace(
    /(\.attentions\.\d+\.)(query|key|value|proj_attn)(?=\.(weight|bias)$)/,
    (_, before: string, name: keyof typeof formerNames) => before + formerNames[name],
  );
}
