import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "../../data/formats/crc32.js";
import { fileError } from "../atomic-file.js";
import { type Event, encodeEvent, type SummaryValue } from "./event.js";

/**
 * A file of TensorBoard events, one per session of a run. If a killed process leaves an incomplete record, it is the
 * last one, and TensorBoard ignores it.
 */
export class EventFile {
  private readonly path: string;

  /**
   * @param folder one of TensorBoard's "runs"; made if missing
   * @param firstStep TensorBoard discards events of earlier sessions from this step on
   * @throws DisbackError naming the file that cannot be written
   */
  constructor(folder: string, firstStep: number) {
    // TensorBoard reads a folder's files in the order of their names.
    this.path = join(folder, `events.out.tfevents.${Date.now()}.${process.pid}`);
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw fileError("write", folder, error);
    }
    this.write({ fileVersion: "brain.Event:2" });
    this.write({ step: firstStep, sessionLog: { status: 1 } });
  }

  /** @throws DisbackError naming the file if it cannot be written */
  append(step: number, values: SummaryValue[]): void {
    this.write({ step, summary: { value: values } });
  }

  private write(event: Omit<Event, "wallTime">): void {
    try {
      appendFileSync(this.path, record(encodeEvent({ wallTime: Date.now() / 1000, ...event })));
    } catch (error) {
      throw fileError("write", this.path, error);
    }
  }
}

/** TFRecord: length, its checksum, the data, its checksum; all little-endian. */
function record(data: Uint8Array): Buffer {
  const framed = Buffer.alloc(data.length + 16);
  framed.writeBigUInt64LE(BigInt(data.length));
  framed.writeUInt32LE(maskedChecksum(framed.subarray(0, 8)), 8);
  framed.set(data, 12);
  framed.writeUInt32LE(maskedChecksum(data), data.length + 12);
  return framed;
}

/** Masked as the format requires, because checksums of data that contain checksums are weak. */
function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
