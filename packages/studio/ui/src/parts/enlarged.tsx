import { useEffect, useRef } from "preact/hooks";
import type { SampleGrid } from "../../../src/pages/index.ts";
import { SampleCrop } from "./grid-picture.tsx";

/** An enlarged picture, beside others of the same samples. */
export interface EnlargedPicture {
  title: string;
  note: string;
  src: string;
}

interface EnlargedProps {
  pictures: readonly EnlargedPicture[];
  grid: SampleGrid | undefined;
  /** what the samples show, in turn: classes or prompts */
  names: readonly string[] | undefined;
  sample: number;
  onSample: (sample: number) => void;
  onClose: () => void;
}

/** One sample of every picture, large and side by side; the arrow keys go to the next one, Escape leaves. */
export function Enlarged({ pictures, grid, names, sample, onSample, onClose }: EnlargedProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const go = (step: number) => grid && onSample((sample + step + grid.count) % grid.count);
  const name = names ? `, ${names[sample % names.length]}` : "";
  return (
    <dialog
      ref={dialog}
      class="enlarged"
      aria-label="enlarged samples"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") go(-1);
        if (event.key === "ArrowRight") go(1);
      }}
    >
      <div class="enlarged-content">
        <div class="heading">
          {grid && (
            <>
              <button type="button" aria-label="previous sample" onClick={() => go(-1)}>
                ←
              </button>
              <button type="button" aria-label="next sample" onClick={() => go(1)}>
                →
              </button>
              <output>
                sample {sample + 1} of {grid.count}
                {name}
              </output>
            </>
          )}
          <button type="button" class="close" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
        <div class="pictures">
          {pictures.map(({ title, note, src }) => (
            <figure key={title}>
              {grid ? (
                <SampleCrop
                  src={src}
                  label={`${title}, sample ${sample + 1}${name}`}
                  grid={grid}
                  sample={sample}
                />
              ) : (
                <img class="whole" src={src} alt={title} />
              )}
              <figcaption>
                <b>{title}</b> <span class="quiet">{note}</span>
              </figcaption>
            </figure>
          ))}
        </div>
      </div>
    </dialog>
  );
}
