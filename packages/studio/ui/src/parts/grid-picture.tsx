import { useEffect, useState } from "preact/hooks";
import type { SampleGrid } from "../../../src/pages/index.ts";

interface GridPictureProps {
  src: string;
  /** Text alternative. */
  label: string;
  grid: SampleGrid | undefined;
  /** The sample under the pointer, here or in the picture beside it. */
  pointed: number | undefined;
  onPoint: (sample: number | undefined) => void;
  /** Called to enlarge a sample, or the whole picture if the layout is unknown. */
  onPick: (sample: number) => void;
}

/** A picture of samples at the available size. Pointing at a sample marks it here and in the picture beside it. */
export function GridPicture({ src, label, grid, pointed, onPoint, onPick }: GridPictureProps) {
  const [size, setSize] = useState<Size>();
  const [isBroken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [src]);
  if (isBroken) return <p role="alert">This picture cannot be read.</p>;
  const sampleUnder = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return (
      grid && sampleAt(grid, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)
    );
  };
  return (
    <button
      type="button"
      class="picture"
      aria-label={`enlarge ${label}`}
      // A key press has no position.
      onClick={(event) => onPick((event.detail === 0 ? pointed : sampleUnder(event)) ?? 0)}
      onMouseMove={(event) => onPoint(sampleUnder(event))}
      onMouseLeave={() => onPoint(undefined)}
    >
      <img
        src={src}
        alt={label}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setSize({ width: naturalWidth, height: naturalHeight })
        }
        onError={() => setBroken(true)}
      />
      {grid && size && pointed !== undefined && (
        <span class="cell" style={percent(cellBox(grid, size, pointed), size)} />
      )}
    </button>
  );
}

/** One sample of a picture, at the available size. */
export function SampleCrop({
  src,
  label,
  grid,
  sample,
}: {
  src: string;
  label: string;
  grid: SampleGrid;
  sample: number;
}) {
  const [size, setSize] = useState<Size>();
  const box = size && cellBox(grid, size, sample);
  return (
    <div class="crop" style={box ? { aspectRatio: `${box.width} / ${box.height}` } : {}}>
      <img
        src={src}
        alt={label}
        style={
          box
            ? {
                width: `${(100 * size.width) / box.width}%`,
                left: `${(-100 * box.left) / box.width}%`,
                top: `${(-100 * box.top) / box.height}%`,
              }
            : { visibility: "hidden" }
        }
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setSize({ width: naturalWidth, height: naturalHeight })
        }
      />
    </div>
  );
}

interface Size {
  width: number;
  height: number;
}

/** The position of a sample, in the picture's own pixels. */
function cellBox({ columns, count, padding }: SampleGrid, size: Size, sample: number) {
  const rows = Math.ceil(count / columns);
  const [stepX, stepY] = [(size.width - padding) / columns, (size.height - padding) / rows];
  return {
    left: padding + (sample % columns) * stepX,
    top: padding + Math.floor(sample / columns) * stepY,
    width: stepX - padding,
    height: stepY - padding,
  };
}

/** @param x and y, from 0 to 1 across the picture */
function sampleAt({ columns, count }: SampleGrid, x: number, y: number): number | undefined {
  const rows = Math.ceil(count / columns);
  const [column, row] = [Math.floor(x * columns), Math.floor(y * rows)];
  const sample = row * columns + column;
  return column >= 0 && column < columns && sample >= 0 && sample < count ? sample : undefined;
}

function percent(box: ReturnType<typeof cellBox>, size: Size) {
  return {
    left: `${(100 * box.left) / size.width}%`,
    top: `${(100 * box.top) / size.height}%`,
    width: `${(100 * box.width) / size.width}%`,
    height: `${(100 * box.height) / size.height}%`,
  };
}
