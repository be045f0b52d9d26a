import { existsSync, readFileSync } from "node:fs";
import type { MetricsEntry } from "../metrics-log.js";
import type { SummaryValue } from "./event.js";
import { EventFile } from "./event-file.js";

/** Channels by a PNG's colour type: grey, RGB, palette, grey with alpha, RGB with alpha. */
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** A stage's evaluations for TensorBoard: every figure as a scalar, the sample grid as a picture. */
export class TensorboardLog {
  private readonly file: EventFile;

  /**
   * @param folder `tensorboard/<stage>` of a run, which TensorBoard shows as a separate run
   * @param firstStep the step where this session starts
   */
  constructor(folder: string, firstStep: number) {
    this.file = new EventFile(folder, firstStep);
  }

  /** @param picture PNG file, if there is one */
  append(entry: MetricsEntry, picture: string): void {
    const { stage: _, iteration, ...figures } = entry;
    const values = Object.entries(figures).flatMap(([tag, value]): SummaryValue[] =>
      typeof value === "number" ? [{ tag, simpleValue: value }] : [],
    );
    if (existsSync(picture)) values.push(pictureValue("samples", readFileSync(picture)));
    this.file.append(iteration, values);
  }
}

/** A PNG's first chunk holds its size and colour type. */
function pictureValue(tag: string, png: Buffer): SummaryValue {
  return {
    tag,
    image: {
      width: png.readUInt32BE(16),
      height: png.readUInt32BE(20),
      colorspace: CHANNELS[png.readUInt8(25)]!,
      encodedImageString: png,
    },
  };
}
