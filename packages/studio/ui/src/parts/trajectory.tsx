import type { Curves, LogLine, PathNode } from "../../../src/wire.ts";
import { shortNumber } from "../format.ts";

interface TrajectoryProps {
  /** From the node next to the teacher to the most degraded one. */
  path: readonly PathNode[];
  live: Curves;
  last: LogLine | undefined;
}

/**
 * The path from the most degraded node (left) to the teacher (right), to scale by the measured distance, and the
 * student on it. The student is between the node it left and its target, by how far the mismatch degree has fallen
 * towards 1 since that target began.
 */
export function TrajectoryPath({ path, live, last }: TrajectoryProps) {
  const places = placesOf(path);
  const target = last?.stage === "backtrack" && typeof last.target === "number" ? last.target : undefined;
  const student = target === undefined ? undefined : studentPlace(places, target, progressTo(target, live));
  const length = path.reduce((sum, node) => sum + node.distance, 0);
  return (
    <div class="trajectory">
      <div class="track">
        {student !== undefined && <span class="walked" style={{ width: `${student}%` }} />}
        {path.map((node, index) => (
          <span
            key={index}
            class="distance"
            hidden={places[index]! - places[index + 1]! < 7}
            style={{ left: `${(places[index]! + places[index + 1]!) / 2}%` }}
          >
            {shortNumber(node.distance)}
          </span>
        ))}
        <ol>
          {places.map((place, index) => (
            <li
              key={index}
              class={index === 0 ? "node teacher" : "node"}
              aria-current={target !== undefined && Math.ceil(target) === index ? "step" : undefined}
              style={{ left: `${place}%` }}
              title={nodeText(path, index)}
            >
              <span aria-hidden="true">{index === 0 ? "teacher" : index}</span>
              <span class="unseen">{nodeText(path, index)}</span>
            </li>
          ))}
        </ol>
        {student !== undefined && (
          <span class="student" style={{ left: `${student}%` }} aria-hidden="true">
            student
          </span>
        )}
      </div>
      <p class="quiet">
        {path.length} {path.length === 1 ? "node" : "nodes"}, {shortNumber(length)} from the teacher to the
        end.{" "}
        {last?.stage === "record"
          ? "The path is being recorded."
          : target === undefined
            ? ""
            : whereText(target, path.length, last!)}
      </p>
    </div>
  );
}

/** Position in percent of the teacher (first, 100) and every node (the last at 0). */
function placesOf(path: readonly PathNode[]): number[] {
  const length = path.reduce((sum, node) => sum + node.distance, 0) || 1;
  const places = [100];
  for (const node of path) places.push(places.at(-1)! - (100 * node.distance) / length);
  return places;
}

function studentPlace(places: readonly number[], target: number, progress: number): number {
  const at = (place: number) => {
    const [low, high] = [Math.floor(place), Math.min(Math.ceil(place), places.length - 1)];
    return places[low]! + (places[high]! - places[low]!) * (place - low);
  };
  const left = Math.min(Math.floor(target) + 1, places.length - 1);
  return at(left) + (at(target) - at(left)) * progress;
}

/** How far the mismatch has fallen towards 1 since the target began, in [0, 1]. */
function progressTo(target: number, live: Curves): number {
  const [targets, mismatches] = [live.figures.target, live.figures.mismatch];
  if (!targets || !mismatches) return 0;
  const values = mismatches.filter(
    (value, row): value is number => targets[row] === target && value !== null,
  );
  const [first, now] = [values[0], values.at(-1)];
  if (first === undefined || now === undefined || first <= 1) return values.length > 0 ? 1 : 0;
  return Math.min(1, Math.max(0, (first - now) / (first - 1)));
}

function nodeText(path: readonly PathNode[], index: number): string {
  const node = path[index - 1];
  if (!node) return "the teacher";
  const before = index === 1 ? "the teacher" : `node ${index - 1}`;
  return `node ${index}: ${shortNumber(node.distance)} from ${before}, saved after step ${node.step}, loss ${shortNumber(node.loss)}`;
}

function whereText(target: number, nodes: number, last: LogLine): string {
  const mismatch =
    typeof last.mismatch === "number" ? ` (mismatch degree ${shortNumber(last.mismatch)})` : "";
  const goal = target === 0 ? "the teacher" : `node ${shortNumber(target)} of ${nodes}`;
  return `The student's target is ${goal}${mismatch}.`;
}
