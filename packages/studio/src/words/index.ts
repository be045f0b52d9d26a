export { FIGURES, type FigureWords, figureName, shortFigureName } from "./figures.js";
export { settingsInUse } from "./settings-in-use.js";
export { dataTitle, methodTitle, type NamedRun } from "./titles.js";
