import type { DecodedImage } from "./decode.js";
import type { ImageEntry } from "./listing.js";

/** Decodes one entry and checks its size against the dataset's. */
export type ReadImage = (entry: ImageEntry) => Promise<DecodedImage>;
