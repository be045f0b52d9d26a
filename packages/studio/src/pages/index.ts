/** What the studio's page and the reports of runs share. */
export { balancedColumns } from "./balanced.js";
export { FIGURES, type FigureWords, figureName, shortFigureName } from "./figures.js";
export { classNamesOf, promptsFile, promptsOf, type SampleGrid, sampleGridOf } from "./samples.js";
export { settingsInUse, unusedByObjective } from "./settings-in-use.js";
export { type StageFacts, type StageName, stageNames, stages } from "./stages.js";
export { dataTitle, methodTitle, type NamedRun } from "./titles.js";
