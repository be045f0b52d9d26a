import { useEffect, useState } from "preact/hooks";
import { getTexts } from "../server.ts";

/** Texts, one below the other. */
export function TextList({ lines }: { lines: readonly string[] }) {
  return (
    <ol class="texts">
      {lines.map((line, index) => (
        <li key={index}>{line}</li>
      ))}
    </ol>
  );
}

/** Samples that are texts; `most` of them, if given. */
export function Texts({ run, file, most }: { run: string; file: string; most?: number }) {
  const [lines, setLines] = useState<string[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let current = true;
    getTexts(run, file).then(
      (found) => {
        if (!current) return;
        setLines(found);
        setProblem(undefined);
      },
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [run, file]);
  if (problem) return <p class="quiet">{problem}</p>;
  return <TextList lines={lines?.slice(0, most) ?? []} />;
}
