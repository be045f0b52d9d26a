import { useEffect, useState } from "preact/hooks";
import type { RunCurves, RunDetail, SampleFrame } from "../../../src/wire.ts";
import { figureName, shortNumber } from "../format.ts";
import { sampleUrl } from "../server.ts";
import { Cloud } from "./cloud.tsx";

const MILLISECONDS_PER_FRAME = 700;

/** The student's samples through time beside the teacher's, from the same latents; points of the plane as a cloud. */
export function Samples({ detail, curves }: { detail: RunDetail; curves: RunCurves }) {
  const { frames, reference, summary } = detail;
  // Nothing chosen follows the newest.
  const [chosen, setChosen] = useState<number>();
  const [plays, setPlays] = useState(false);
  const index = Math.min(chosen ?? frames.length - 1, frames.length - 1);
  useEffect(() => {
    if (!plays) return;
    const timer = setTimeout(() => {
      if (index + 1 < frames.length) setChosen(index + 1);
      else setPlays(false);
    }, MILLISECONDS_PER_FRAME);
    return () => clearTimeout(timer);
  }, [plays, index, frames.length]);
  const frame = frames[index];
  if (!frame) return <p class="quiet">No samples yet: they are drawn at each evaluation.</p>;
  const caption = captionOf(frame, curves);
  return (
    <div class="samples">
      <div class="time">
        <button
          type="button"
          onClick={() => {
            if (!plays && index === frames.length - 1) setChosen(0);
            setPlays(!plays);
          }}
        >
          {plays ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="moment of the samples"
          aria-valuetext={caption}
          min={0}
          max={frames.length - 1}
          value={index}
          onInput={(event) => {
            const value = event.currentTarget.valueAsNumber;
            setPlays(false);
            setChosen(value === frames.length - 1 ? undefined : value);
          }}
        />
        <output>{caption}</output>
      </div>
      {frame.points !== undefined ? (
        <Cloud
          run={summary.id}
          points={frame.points}
          reference={reference?.points}
          label={`student's samples, ${caption}`}
        />
      ) : (
        <div class="pictures">
          <Picture
            run={summary.id}
            file={frame.picture}
            title={frame.stage === "teacher" ? "teacher in training" : "student"}
            note={caption}
          />
          {reference && (
            <Picture run={summary.id} file={reference.picture} title="teacher" note="same latents" />
          )}
        </div>
      )}
    </div>
  );
}

function Picture({ run, file, title, note }: { run: string; file: string; title: string; note: string }) {
  const [isBroken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [file]);
  return (
    <figure>
      {isBroken ? (
        <p role="alert">This picture cannot be read.</p>
      ) : (
        <img
          src={sampleUrl(run, file)}
          alt={`grid of samples, ${title}, ${note}`}
          onError={() => setBroken(true)}
        />
      )}
      <figcaption>
        <b>{title}</b> <span class="quiet">{note}</span>
      </figcaption>
    </figure>
  );
}

/** `iteration 120, FID 17.3` */
function captionOf({ stage, iteration }: SampleFrame, { evaluations, offsets }: RunCurves): string {
  const at = iteration + (offsets[stage] ?? 0);
  const row = evaluations.iterations.findIndex((one, i) => one === at && evaluations.stages[i] === stage);
  const figure = ["fid", "slicedWasserstein"].find(
    (name) => typeof evaluations.figures[name]?.[row] === "number",
  );
  const value = figure && evaluations.figures[figure]![row];
  return `iteration ${iteration.toLocaleString("en")}${typeof value === "number" ? `, ${figureName(figure!)} ${shortNumber(value)}` : ""}`;
}
