import type { Labels } from "../labels.js";

/** An image file somewhere: in a folder, a zip or a tar. */
export interface ImageEntry {
  /** path for people, with the archive's name before it */
  name: string;
  /** the file's bytes; may be called many times */
  read(): Promise<Uint8Array>;
}

/** What a folder or archive of images holds, in sorted order. */
export interface ImageListing {
  /** name of the dataset */
  name: string;
  entries: ImageEntry[];
  labels: Labels | undefined;
  /** one per entry, where the data has them */
  captions: readonly string[] | undefined;
  /** Closes open files, after the last read. */
  close(): void;
}
