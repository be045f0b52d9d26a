import { keep, type Tensor } from "@disback/torch";

/**
 * What each layer has seen of a clip's earlier frames. A clip goes through in pieces, which takes as much memory as one piece,
 * and gives what the whole clip would.
 */
export class Past {
  private readonly frames = new Map<object, Tensor>();

  /** The last frames that a layer remembered; undefined at the clip's start. */
  of(layer: object): Tensor | undefined {
    return this.frames.get(layer);
  }

  /** Remembers the last frames of what a layer sees. @param seen `[N, C, T, H, W]` */
  remember(layer: object, seen: Tensor, count: number): void {
    const length = seen.shape[2]!;
    const kept = keep(seen.narrow(2, length - Math.min(count, length), Math.min(count, length)).clone());
    this.frames.get(layer)?.dispose();
    this.frames.set(layer, kept);
  }

  dispose(): void {
    for (const frames of this.frames.values()) frames.dispose();
    this.frames.clear();
  }
}
