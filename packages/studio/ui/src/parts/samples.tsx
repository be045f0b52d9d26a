import { useEffect, useState } from "preact/hooks";
import { shortFigureName } from "../../../src/pages/index.ts";
import type { RunCurves, RunDetail, SampleFrame } from "../../../src/wire.ts";
import { shortNumber } from "../format.ts";
import { evaluationsText } from "../run-words.ts";
import { sampleUrl } from "../server.ts";
import { Cloud } from "./cloud.tsx";
import { Enlarged, type EnlargedPicture } from "./enlarged.tsx";
import { GridPicture } from "./grid-picture.tsx";
import { Texts } from "./texts.tsx";
import { TimeSlider } from "./time-slider.tsx";

/** The student's samples, large, beside the teacher's from the same noise, and a slider through time. */
export function Samples({ detail, curves }: { detail: RunDetail; curves: RunCurves }) {
  const { frames, reference, summary, grid, classes, prompts } = detail;
  const names = prompts ?? classes;
  const [index, setIndex] = useNewest(frames.length);
  const [pointed, setPointed] = useState<number>();
  const [enlarged, setEnlarged] = useState<number>();
  const frame = frames[index];
  if (!frame) return <p class="quiet">No samples yet: they are drawn at each evaluation.</p>;
  const { evaluations, headline } = summary;
  const student: EnlargedPicture = {
    title: frame.stage === "teacher" ? "teacher in training" : "student",
    note: [...(evaluations ? [evaluationsText(evaluations.student)] : []), captionOf(frame, curves)].join(
      ", ",
    ),
    src: sampleUrl(summary.id, frame.picture),
  };
  const teacher: EnlargedPicture | undefined = reference && {
    title: "teacher",
    note: [
      "from the same noise",
      ...(evaluations ? [evaluationsText(evaluations.teacher)] : []),
      ...(headline?.teacher === undefined
        ? []
        : [`${shortFigureName(headline.name)} ${shortNumber(headline.teacher)}`]),
    ].join(", "),
    src: sampleUrl(summary.id, reference.picture),
  };
  const pictures = teacher ? [student, teacher] : [student];
  const isCloud = frame.points !== undefined;
  return (
    <div class="samples">
      <div class="pictures">
        {pictures.map(({ title, note, src }) => (
          <figure key={title}>
            {frame.texts !== undefined ? (
              <Texts run={summary.id} file={title === "teacher" ? reference!.texts! : frame.texts} />
            ) : isCloud ? (
              <Cloud
                run={summary.id}
                points={title === "teacher" ? reference!.points! : frame.points!}
                reference={reference?.points}
                colour={title === "teacher" ? "--line-2" : "--line-1"}
                label={`${title}'s samples, ${note}`}
              />
            ) : (
              <GridPicture
                {...{ src, grid, pointed }}
                label={`grid of samples, ${title}, ${note}`}
                onPoint={setPointed}
                onPick={setEnlarged}
              />
            )}
            <figcaption>
              <b>{title}</b> <span class="quiet">{note}</span>
            </figcaption>
          </figure>
        ))}
      </div>
      <TimeSlider
        count={frames.length}
        index={index}
        caption={captionOf(frame, curves)}
        onChange={setIndex}
      />
      <p class="quiet hint">
        {frame.texts !== undefined
          ? ""
          : isCloud
            ? teacher && "Shaded: the teacher's density. Each point keeps its noise from picture to picture."
            : grid
              ? `${pointed !== undefined && names ? `${names[pointed % names.length]}. ` : ""}Click a sample to enlarge it.`
              : "Click a picture to enlarge it."}
      </p>
      {prompts && (
        <details class="prompts">
          <summary>Prompts, in the order of the pictures</summary>
          <ol>
            {prompts.map((prompt, place) => (
              <li key={place}>{prompt}</li>
            ))}
          </ol>
        </details>
      )}
      {enlarged !== undefined && (
        <Enlarged
          {...{ pictures, grid, names }}
          sample={enlarged}
          onSample={setEnlarged}
          onClose={() => setEnlarged(undefined)}
        />
      )}
    </div>
  );
}

/** An index in a growing list: the newest one until another is chosen. */
function useNewest(count: number): [index: number, choose: (index: number) => void] {
  const [chosen, setChosen] = useState<number>();
  useEffect(() => {
    if (chosen !== undefined && chosen >= count) setChosen(undefined);
  }, [count]);
  return [
    Math.min(chosen ?? count - 1, count - 1),
    (index) => setChosen(index === count - 1 ? undefined : index),
  ];
}

/** `iteration 120, FID 17.3` */
function captionOf({ stage, iteration }: SampleFrame, { evaluations, offsets }: RunCurves): string {
  const at = iteration + (offsets[stage] ?? 0);
  const row = evaluations.iterations.findIndex((one, i) => one === at && evaluations.stages[i] === stage);
  const figure = ["fid", "slicedWasserstein", "trigramDivergence"].find(
    (name) => typeof evaluations.figures[name]?.[row] === "number",
  );
  const value = figure && evaluations.figures[figure]![row];
  return `iteration ${iteration.toLocaleString("en")}${typeof value === "number" ? `, ${shortFigureName(figure!)} ${shortNumber(value)}` : ""}`;
}
