// Random numbers that are the same on every machine: each input is made from (seed, name, index) alone.

/** A number of 32 bits for a text (FNV-1a). */
function hash(text) {
  let value = 0x811c9dc5;
  for (const character of Buffer.from(text)) value = Math.imul(value ^ character, 0x01000193);
  return value;
}

/** Whole numbers below a limit (Steele et al.'s SplitMix, 32 bits) and what is made of them. */
export function randomOf(seed, name, index) {
  let state = (hash(`${name} ${seed}`) + Math.imul(index, 0x85ebca6b)) | 0;
  const below = (limit) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  };
  return {
    below,
    /** from low to high, both included */
    between: (low, high) => low + below(high - low + 1),
    pick: (list) => list[below(list.length)],
    chance: (percent) => below(100) < percent,
  };
}
