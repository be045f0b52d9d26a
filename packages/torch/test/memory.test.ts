import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const dist = new URL("../dist/index.js", import.meta.url).href;

/** Runs `program` in a process of its own. */
function measure(program: string): { residentMB: number; peakMB: number; tensors: number } {
  const script = `
    import * as torch from ${JSON.stringify(dist)};
    const { Conv2d, Linear, SiLU, Sequential, memoryStatistics, noGrad, randn, setMemoryLimit, zeros } = torch;
    const before = process.resourceUsage().maxRSS;
    ${program}
    const { peak, tensors } = memoryStatistics();
    const residentMB = (process.resourceUsage().maxRSS - before) / 1024;
    console.log(JSON.stringify({ residentMB, peakMB: peak / 2 ** 20, tensors }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  return JSON.parse(output.trim().split("\n").pop()!);
}

// So much may lie about before it is collected; what a step has under way comes on top.
const MOST = 256 + 64;

test("a loop without a scope stays flat", () => {
  const { residentMB, peakMB } = measure(
    "const a = randn([1024, 1024]); for (let i = 0; i < 300; i++) a.add(1);",
  );
  expect(peakMB).toBeLessThan(MOST);
  expect(residentMB).toBeLessThan(2 * MOST);
});

test("a loop that goes on from its last result stays flat", () => {
  const step = "x = x.add(1).mul(0.5).reshape([-1])";
  expect(measure(`let x = zeros([1024, 1024]); for (let i = 0; i < 100; i++) ${step};`).peakMB).toBeLessThan(
    MOST,
  );
});

test("an evaluation loop without scopes stays flat, and loses none of its results", () => {
  const program = `
    const net = new Sequential(new Conv2d(3, 16, 3, { padding: 1 }), new SiLU(), new Conv2d(16, 3, 3, { padding: 1 }));
    const images = randn([64, 3, 32, 32]);
    const results = [];
    noGrad(() => {
      const first = net.forward(images).square().mean().item();
      for (let i = 0; i < 60; i++) results.push(net.forward(images).square().mean());
      if (results.some((result) => result.item() !== first)) throw new Error("a result was lost");
    });`;
  expect(measure(program).peakMB).toBeLessThan(MOST);
});

test("a training loop without scopes stays flat", () => {
  const program = `
    const net = new Sequential(new Linear(64, 1024), new SiLU(), new Linear(1024, 64));
    const x = randn([1024, 64]);
    for (let i = 0; i < 60; i++) {
      net.zeroGrad();
      net.forward(x).sub(x).square().mean().backward();
    }`;
  expect(measure(program).peakMB).toBeLessThan(MOST);
});

test("small tensors are released too", () => {
  const { tensors } = measure("const a = zeros([4]); for (let i = 0; i < 400_000; i++) a.add(1);");
  expect(tensors).toBeLessThan(300_000);
});

test("what a variable holds is never released", () => {
  const program = `
    const held = [];
    for (let i = 0; i < 20; i++) {
      held.push(zeros([1024, 1024]).add(i));
      for (let k = 0; k < 8; k++) held.at(-1).add(k);
    }
    for (const [i, x] of held.entries()) if (x.select(0, 7).sum().item() !== 1024 * i) throw new Error("lost");`;
  expect(measure(program).peakMB).toBeLessThan(MOST + 20 * 4);
});

test("where memory runs out, what nobody can reach is released before a call fails", () => {
  const program = `
    setMemoryLimit(60 * 2 ** 20);
    const a = zeros([1024, 1024]);
    for (let i = 0; i < 50; i++) a.add(1);
    const held = [];
    let refused = false;
    try {
      for (let i = 0; i < 50; i++) held.push(a.add(1));
    } catch (error) {
      refused = /out of memory/.test(error.message);
    }
    if (!refused) throw new Error("the limit does not hold");`;
  expect(measure(program).peakMB).toBeLessThan(61);
});
