type Settings = Readonly<Record<string, unknown>>;

/** Groups of settings that belong to one objective each. */
const OBJECTIVE_GROUPS = [
  ...["diffInstruct", "vsd", "dmd", "dmd2", "fDistill", "sid", "sida", "sim", "momentMatching"],
  ...["consistency", "ect", "tcm", "scm", "meanflow", "ladd", "regression"],
];
/** Objectives that take the teacher's samples, if there are no data. */
const CLEAN_SAMPLES = ["consistency", "ect", "tcm", "scm", "meanflow"];
/** Groups of settings that belong to one stage each. */
const STAGE_GROUPS: Readonly<Record<string, string>> = { imitation: "imitate", recording: "record" };

/**
 * The settings that affected a run: without those of other objectives and skipped stages, and without switches that are
 * off.
 *
 * @param stages stages of the run, by their names in its logs
 */
export function settingsInUse(settings: Settings, stages: ReadonlySet<string>): Record<string, unknown> {
  const { backtracking, onDivergence } = settings;
  const kept = Object.entries(settings).flatMap(([name, value]): [string, unknown][] => {
    const stage = STAGE_GROUPS[name];
    if (stage !== undefined && !stages.has(stage)) return [];
    if (name === "rollbackFactor" && onDivergence !== "rollback") return [];
    if (name === "backtracking" && isGroup(backtracking)) return [[name, withOneObjective(backtracking)]];
    return [[name, value]];
  });
  return withoutOff(Object.fromEntries(kept));
}

function withOneObjective(backtracking: Settings): Record<string, unknown> {
  const unused = unusedByObjective(backtracking);
  return Object.fromEntries(Object.entries(backtracking).filter(([name]) => !unused.includes(name)));
}

/** Names of the settings of a backtracking that its objective and schedule do not read. */
export function unusedByObjective(backtracking: Settings): string[] {
  const { objective, dmd, schedule } = backtracking;
  const own =
    typeof objective === "string"
      ? objective.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
      : undefined;
  const usesPairs =
    own === "regression" ||
    CLEAN_SAMPLES.includes(String(own)) ||
    (own === "dmd" && isGroup(dmd) && dmd.regressionWeight !== 0);
  const isUsed = (name: string) => {
    if (OBJECTIVE_GROUPS.includes(name)) return name === own || own === undefined;
    if (name === "pairs") return usesPairs;
    if (name === "mismatchThreshold") return schedule !== "steps";
    return true;
  };
  return Object.keys(backtracking).filter((name) => !isUsed(name));
}

/** Switches that are off and unset values have no effect. */
function withoutOff(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== false && value !== null && value !== undefined)
      .map(([name, value]) => [name, isGroup(value) ? withoutOff(value) : value]),
  );
}

function isGroup(value: unknown): value is Settings {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
