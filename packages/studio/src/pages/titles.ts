/** The fields that make a run's title. */
export interface NamedRun {
  command: string;
  settings: Readonly<Record<string, unknown>>;
  /** the decision of a distillation */
  decision?: { record?: unknown } | undefined;
}

/** Display names of shipped models and data sets. */
const KNOWN: Readonly<Record<string, string>> = {
  "fashion-mnist-16": "Fashion-MNIST, 16×16",
  "fashion-mnist-32": "Fashion-MNIST, 32×32",
  "cifar10-16": "CIFAR-10, 16×16",
  "2d-ring": "Ring of points",
  emoji: "Emoji, 32×32",
  "emoji-small": "Emoji, 32×32, half the channels",
  "emoji-teacher": "Emoji, 32×32",
};
/** Generic folder names. */
const SAYS_NOTHING = /^(teacher|student|student-best|model|runs?|data|images|train|out|\.*)$/i;
const ENDINGS = /(\.(zip|tar|gz|tgz|npz|npy|parquet|safetensors|json))+$/i;

/** The data of a run: `Fashion-MNIST, 16×16`. Without data, the teacher's name is used. */
export function dataTitle({ settings }: NamedRun): string {
  for (const source of [settings.data, settings.teacher]) {
    if (typeof source !== "string" || source === "") continue;
    const known = KNOWN[source];
    if (known !== undefined) return known;
    const toy = /^toy:([\w-]+)/.exec(source)?.[1];
    if (toy === "moving-digits") return "Moving digits";
    if (toy !== undefined) return `${toy[0]!.toUpperCase()}${toy.slice(1)} of points`;
    const name = source
      .split(/[\\/]/)
      .filter((part) => !SAYS_NOTHING.test(part))
      .at(-1)
      ?.replace(ENDINGS, "");
    if (name) return KNOWN[name] ?? name;
  }
  return "Run";
}

const OBJECTIVES: Readonly<Record<string, string>> = {
  "diff-instruct": "Diff-Instruct",
  vsd: "VSD",
  dmd: "DMD",
  dmd2: "DMD2",
  "f-distill": "f-distill",
  sid: "SiD",
  sida: "SiDA",
  sim: "SIM",
  "moment-matching": "moment matching",
  consistency: "consistency",
  ect: "ECT",
  tcm: "TCM",
  scm: "sCM",
  meanflow: "MeanFlow",
  ladd: "LADD",
  regression: "regression",
};

/** The method in a few words: `DisBack with Diff-Instruct`. */
export function methodTitle({ command, settings, decision }: NamedRun): string {
  if (command === "teacher train") return "teacher";
  if (command === "record") return "trajectory";
  const { backtracking, method } = settings as { backtracking?: { objective?: unknown }; method?: unknown };
  const name = typeof backtracking?.objective === "string" ? backtracking.objective : undefined;
  const objective = name === undefined ? undefined : (OBJECTIVES[name] ?? name);
  const walks = decision === undefined ? method === "disback" : decision.record === true;
  if (command === "distill" && !walks) return objective ?? String(method ?? command);
  return objective === undefined ? "DisBack" : `DisBack with ${objective}`;
}
