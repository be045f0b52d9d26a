import { useState } from "preact/hooks";
import { type ExportFormat, exportFormats, type RunDetail } from "../../../src/wire.ts";
import { drawSamples, exportRun } from "../server.ts";
import { NEEDS_TOKEN, useTask } from "./use-task.ts";

const COUNT = 16;
const FORMATS: Readonly<Record<ExportFormat, string>> = {
  web: "a page that draws in the browser",
  onnx: "ONNX",
  safetensors: "safetensors",
};

/** Draws new samples from a run's model, and exports it. */
export function UseModel({ detail, mayAct }: { detail: RunDetail; mayAct: boolean }) {
  const { summary, classes } = detail;
  const [label, setLabel] = useState("");
  const [seed, setSeed] = useState(1);
  const [format, setFormat] = useState<ExportFormat>("web");
  const [picture, setPicture] = useState<{ src: string; words: string }>();
  const { message, isBusy, perform } = useTask();
  const draw = (wanted: number) => {
    setSeed(wanted);
    return perform("Drawing…", async () => {
      const src = await drawSamples(summary.id, {
        ...{ count: COUNT, seed: wanted },
        ...(label === "" ? {} : { label }),
      });
      setPicture({
        src,
        words: [label || "all classes in turn", `seed ${wanted}`].slice(classes ? 0 : 1).join(", "),
      });
      return "";
    });
  };
  const exportIt = () =>
    perform("Exporting and checking: this takes a minute.", async () => {
      const { file } = await exportRun(summary.id, format);
      return `Written to ${file}${format === "web" ? "; serve that folder with any web server" : ""}.`;
    });
  const title = mayAct ? undefined : NEEDS_TOKEN;
  return (
    <section class="panel use">
      <h2>Draw and export</h2>
      <div class="forms">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void draw(seed);
          }}
        >
          {classes && (
            <label>
              <span>Class</span>
              <select value={label} onChange={(event) => setLabel(event.currentTarget.value)}>
                <option value="">all in turn</option>
                {classes.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          )}
          <label>
            <span>Seed</span>
            <input
              type="number"
              min="0"
              required
              value={seed}
              onInput={(event) => setSeed(event.currentTarget.valueAsNumber || 0)}
            />
          </label>
          <button type="submit" disabled={!mayAct || isBusy} title={title}>
            Draw {COUNT}
          </button>
          <button
            type="button"
            disabled={!mayAct || isBusy}
            title={title}
            onClick={() => void draw(seed + 1)}
          >
            Draw others
          </button>
        </form>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void exportIt();
          }}
        >
          <label>
            <span>Export as</span>
            <select value={format} onChange={(event) => setFormat(event.currentTarget.value as ExportFormat)}>
              {exportFormats.map((name) => (
                <option key={name} value={name}>
                  {FORMATS[name]}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" disabled={!mayAct || isBusy} title={title}>
            Export
          </button>
        </form>
      </div>
      <p role="status">{message}</p>
      {picture && (
        <figure>
          <img
            class={detail.grid ? "grid" : ""}
            src={picture.src}
            alt={`${COUNT} new samples, ${picture.words}`}
          />
          <figcaption class="quiet">{picture.words}</figcaption>
        </figure>
      )}
    </section>
  );
}
