import { cat, Generator, Linear, Module, manualSeed, Sequential, SiLU } from "@disback/torch";

manualSeed(3);
class Net extends Module {
  net = new Sequential(new Linear(4, 32), new SiLU(), new Linear(32, 3));
  denoise(x, sigma) {
    const l = sigma.unsqueeze(1).expand([x.shape[0], 1]);
    const v = l.square().add(0.25);
    return x
      .mul(v.reciprocal().mul(0.25))
      .add(this.net.forward(cat([x.mul(v.rsqrt()), l.log().div(4)], 1)).mul(l.mul(v.rsqrt()).mul(0.5)));
  }
}
export default () => ({ module: new Net(), facts: { sampleShape: [3], sigmaData: 0.5, condition: {} } });
