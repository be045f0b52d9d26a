import { useEffect, useState } from "preact/hooks";
import { getTexts } from "../server.ts";

/** Samples that are texts, one below the other. */
export function Texts({ run, file }: { run: string; file: string }) {
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
  return (
    <ol class="texts">
      {lines?.map((line, index) => (
        <li key={index}>{line}</li>
      ))}
    </ol>
  );
}
