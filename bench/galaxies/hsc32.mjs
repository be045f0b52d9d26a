// `--teacher bench/galaxies/hsc32.mjs`: galaxies of the Hyper Suprime-Cam survey, 32 x 32.
import { openTeacher, weightsFolder } from "./teacher.mjs";

export default () => openTeacher(`${weightsFolder}eqx_hsc_ScoreNet32.eqx`, { side: 32, sigmaData: 0.65 });
