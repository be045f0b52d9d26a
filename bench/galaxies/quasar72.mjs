// `--teacher bench/galaxies/quasar72.mjs`: quasars seen through gravitational lenses, 72 x 72.
import { openTeacher, weightsFolder } from "./teacher.mjs";

export default () => openTeacher(`${weightsFolder}eqx_quasar_lens72.eqx`, { side: 72, sigmaData: 0.72 });
