import { useState } from "preact/hooks";
import { type ExportFormat, exportFormats, type RunDetail } from "../../../src/wire.ts";
import { drawSamples, drawTexts, exportRun } from "../server.ts";
import { TextList } from "./texts.tsx";
import { NEEDS_TOKEN, useTask } from "./use-task.ts";

const COUNT = 16;
const FORMATS: Readonly<Record<ExportFormat, string>> = {
  web: "a page that draws in the browser",
  onnx: "ONNX",
  safetensors: "safetensors",
};

/** The formats that a run's model can have; a page shows no texts. */
function formatsOf({ frames, isLanguageModel }: RunDetail): readonly ExportFormat[] {
  if (isLanguageModel) return ["safetensors"];
  return frames.some(({ texts }) => texts !== undefined) ? ["onnx", "safetensors"] : exportFormats;
}

/** New samples: a picture's address, or texts. */
interface Drawn {
  src?: string;
  texts?: string[];
  words: string;
}

/** Draws new samples from a run's model, and exports it. */
export function UseModel({ detail, mayAct }: { detail: RunDetail; mayAct: boolean }) {
  const { summary, classes, isLanguageModel } = detail;
  const formats = formatsOf(detail);
  const isText = detail.frames.some(({ texts }) => texts !== undefined);
  const [label, setLabel] = useState("");
  const [seed, setSeed] = useState(1);
  const [prompt, setPrompt] = useState("");
  const [format, setFormat] = useState(formats[0]!);
  const [drawn, setDrawn] = useState<Drawn>();
  const { message, isBusy, perform } = useTask();
  const draw = (wanted: number) => {
    setSeed(wanted);
    return perform("Drawing…", async () => {
      const samples = {
        ...{ count: COUNT, seed: wanted },
        ...(label === "" ? {} : { label }),
        ...(prompt === "" ? {} : { prompt }),
      };
      setDrawn({
        ...(isText
          ? { texts: await drawTexts(summary.id, samples) }
          : { src: await drawSamples(summary.id, samples) }),
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
          {isLanguageModel && (
            <label>
              <span>Beginning</span>
              <input
                type="text"
                maxLength={2000}
                value={prompt}
                placeholder="none"
                onInput={(event) => setPrompt(event.currentTarget.value)}
              />
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
              {formats.map((name) => (
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
      {drawn && (
        <figure>
          {drawn.texts && <TextList lines={drawn.texts} />}
          {drawn.src && (
            <img
              class={detail.grid ? "grid" : ""}
              src={drawn.src}
              alt={`${COUNT} new samples, ${drawn.words}`}
            />
          )}
          <figcaption class="quiet">{drawn.words}</figcaption>
        </figure>
      )}
    </section>
  );
}
