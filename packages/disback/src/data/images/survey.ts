import type { Findings } from "../left-out.js";
import type { SizeCount } from "../samples.js";
import type { DecodedImage } from "./decode.js";

/** Counts properties of a data set's images before conversion. */
export class ImageSurvey {
  private readonly sizes = new Map<string, SizeCount>();
  private readonly found = new Map<string, { count: number; example: string }>();
  private total = 0;

  add({ traits, name, width: side, channels }: Omit<DecodedImage, "data">): void {
    const { width, height } = traits;
    const size = this.sizes.get(`${width} ${height}`) ?? { width, height, count: 0 };
    size.count++;
    this.sizes.set(`${width} ${height}`, size);
    this.total++;
    if (traits.animated) this.count("more than one frame: the first is read", name);
    if (traits.transparent) this.count("transparent pixels: the colours below them are read", name);
    if (width !== height) this.count("unequal sides: the centre is kept", name);
    if (Math.min(width, height) < side) this.count(`fewer than ${side} x ${side} pixels: enlarged`, name);
    if (traits.colour && channels === 1) this.count("colours: turned grey", name);
  }

  /** The most frequent size first. */
  storedSizes(): readonly SizeCount[] {
    return [...this.sizes.values()].sort((a, b) => b.count - a.count);
  }

  /** One line for each conversion of some of the images. */
  addTo(findings: Findings): void {
    for (const [what, { count, example }] of this.found) {
      const which =
        this.total === 1
          ? "the image has"
          : `${count === this.total ? "all" : count} of ${this.total} images have`;
      findings.note(`${which.replace("all of", "all")} ${what} (${example}${count > 1 ? ", …" : ""})`);
    }
  }

  private count(what: string, name: string): void {
    const known = this.found.get(what) ?? { count: 0, example: name };
    known.count++;
    this.found.set(what, known);
  }
}
