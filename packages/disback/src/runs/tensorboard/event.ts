import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** One value of an event: a number, or a picture. */
export type SummaryValue =
  | { tag: string; simpleValue: number }
  | {
      tag: string;
      image: { height: number; width: number; colorspace: number; encodedImageString: Uint8Array };
    };

/** The part of TensorFlow's `Event` message that we write (tensorflow/core/util/event.proto, summary.proto). */
export interface Event {
  /** Seconds since 1970. */
  wallTime: number;
  step?: number;
  fileVersion?: string;
  summary?: { value: SummaryValue[] };
  /** Status 1, START: TensorBoard discards earlier events from this step on. */
  sessionLog?: { status: 1 };
}

/** The event in protocol buffers' wire format, with the field numbers of the messages' definitions. */
export function encodeEvent({ wallTime, step, fileVersion, summary, sessionLog }: Event): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  if (step !== undefined) writer.tag(2, WireType.Varint).int64(step);
  if (fileVersion !== undefined) writer.tag(3, WireType.LengthDelimited).string(fileVersion);
  if (summary) {
    writer.tag(5, WireType.LengthDelimited).fork();
    for (const value of summary.value) encodeValue(value, writer);
    writer.join();
  }
  if (sessionLog) {
    writer.tag(7, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).int32(sessionLog.status).join();
  }
  return writer.finish();
}

function encodeValue(value: SummaryValue, writer: BinaryWriter): void {
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(value.tag);
  if ("simpleValue" in value) {
    writer.tag(2, WireType.Bit32).float(value.simpleValue);
  } else {
    const { height, width, colorspace, encodedImageString } = value.image;
    writer.tag(4, WireType.LengthDelimited).fork();
    for (const [index, number] of [height, width, colorspace].entries())
      writer.tag(index + 1, WireType.Varint).int32(number);
    writer.tag(4, WireType.LengthDelimited).bytes(encodedImageString).join();
  }
  writer.join();
}
