// `--student bench/galaxies/small32.mjs`: an untrained network with a fifth of the teacher's weights.
import { ScoreDenoiser, ScoreNet } from "./score-net.mjs";
import { factsOf, picture } from "./teacher.mjs";

export default () => ({
  module: new ScoreDenoiser(new ScoreNet({ side: 32, channels: 32, hidden: 256, blocks: 2 })),
  facts: factsOf(32, 0.65),
  picture,
});
