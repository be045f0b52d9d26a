/** Options of `SD3Transformer2DModel` of diffusers, under names of ours. */
export interface Sd3Options {
  inChannels: number;
  outChannels: number;
  patchSize: number;
  layers: number;
  heads: number;
  channelsPerHead: number;
  /** of the text states */
  textChannels: number;
  /** of the text as one vector */
  pooledChannels: number;
  /** patches in a row of the table of places; pictures get its middle */
  placeSide: number;
  /** divides places in the table */
  placeScale: number;
  /** blocks in which the picture attends to itself besides */
  dualLayers: readonly number[];
  /** normalize queries and keys */
  normalizedAttention: boolean;
}
