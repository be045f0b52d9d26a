import { z } from "zod";
import { DisbackError } from "../errors.js";
import type { TextForm } from "./formats/text.js";
import { Findings } from "./left-out.js";

/** Bounds on what an archive may unpack to: a small file must not fill the memory. */
export interface ArchiveLimits {
  /** bytes of one unpacked image file; default 256 MiB */
  entryBytes: number;
  /** bytes an archive's contents may take together, or one array of an `.npz`; default 8 GiB */
  totalBytes: number;
}

/** How a dataset is opened. All fields may be left out. */
export interface OpenOptions {
  /** side of the square images, 1 to 4096; default unchanged, then all must be square and equal */
  resolution?: number;
  /** 1 (grey, Rec. 601 luma) or 3 (red, green, blue); default as the images */
  channels?: 1 | 3;
  /** animated GIFs and WebPs of a folder are read as clips of that many frames, their first; default: as single images */
  frames?: number;
  /** arrays of `.npz` and `.npy` are values that are taken as they are, whatever their shape; default false: images or points */
  values?: boolean;
  /** how texts become samples; default letters, 64 of them */
  text?: TextForm;
  /** false drops the labels; default true: labels are used where the data has them */
  labels?: boolean;
  /** "train", "test" or another part the data has; default "train" where there are parts */
  split?: string;
  /** leave out images that cannot be decoded, instead of stopping at the first; default false */
  skipBroken?: boolean;
  /**
   * images are decoded at opening and kept if they fit into this many bytes (one per pixel and channel), else on
   * demand; default 2 GiB
   */
  cacheBytes?: number;
  limits?: Partial<ArchiveLimits>;
  /**
   * called with one line about each image left out by `skipBroken`, and at the end about what else is left out and how
   * the data are read (`describeLeftOut` and `notes` of the dataset)
   */
  onWarning?: (line: string) => void;
  /** called, and awaited, with the number of images decoded so far while opening; may throw to stop */
  onProgress?: (done: number, total: number) => unknown;
}

/** Options with every default filled in. */
export type ResolvedOptions = OpenOptions & {
  labels: boolean;
  skipBroken: boolean;
  cacheBytes: number;
  limits: ArchiveLimits;
  /** filled while the data is opened */
  findings: Findings;
};

const bytes = z.number().int().positive();
const openOptions = z.strictObject({
  resolution: z.number().int().min(1).max(4096).optional(),
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  frames: z.number().int().min(2).max(1024).optional(),
  values: z.boolean().optional(),
  text: z.custom<TextForm>().optional(),
  labels: z.boolean().default(true),
  split: z.string().min(1).optional(),
  skipBroken: z.boolean().default(false),
  cacheBytes: z
    .number()
    .int()
    .nonnegative()
    .default(2 * 2 ** 30),
  limits: z
    .strictObject({ entryBytes: bytes.default(256 * 2 ** 20), totalBytes: bytes.default(8 * 2 ** 30) })
    .prefault({}),
  onWarning: z.custom<OpenOptions["onWarning"]>().optional(),
  onProgress: z.custom<OpenOptions["onProgress"]>().optional(),
});

/**
 * Checks options and fills in the defaults.
 * @throws DisbackError naming the field that is wrong
 */
export function resolveOptions(options: OpenOptions): ResolvedOptions {
  const result = openOptions.safeParse(options);
  if (result.success) return { ...result.data, findings: new Findings() } as ResolvedOptions;
  const issue = result.error.issues[0]!;
  const field = issue.path.length ? ` "${issue.path.join(".")}"` : "s";
  throw new DisbackError(`dataset option${field}: ${issue.message}`);
}
