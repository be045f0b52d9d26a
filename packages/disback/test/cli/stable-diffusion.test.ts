import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@disback/torch";
import { afterAll, expect, it, vi } from "vitest";
import { pipelinePath } from "../pipelines/fixtures.js";
import { disback } from "./command.js";

vi.setConfig({ testTimeout: 240_000 });

const base = mkdtempSync(join(tmpdir(), "disback-stable-diffusion-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

it("a folder of Stable Diffusion becomes a LoRA: prompts, adapters along a trajectory, pictures, export", () => {
  const [prompts, run, lora] = [join(base, "prompts.txt"), join(base, "run"), join(base, "lora")];
  writeFileSync(prompts, "a cat\ntwo dogs\n");
  const distilled = disback(
    ...["distill", "--teacher", pipelinePath("sd"), "--prompts", prompts, "--rank", "2", "--guidance", "3"],
    ...["--method", "disback", "--record-steps", "2", "--iterations", "2", "--batch-size", "2"],
    ...["--evaluate-every", "2", "--set", "recording.batchSize=2", "evaluation.grid=2"],
    ...["evaluation.teacherSteps=2", "--out", run, "--quiet"],
  );
  expect(distilled.stderr).toBe("no data to compare with: no FID (give --data)\n");
  expect(distilled.status).toBe(0);
  const picture = join(base, "dog.png");
  expect(disback("sample", run, "--prompt", "a dog", "--count", "2", "--out", picture).status).toBe(0);
  expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
  expect(disback("export", run, "--format", "lora", "--out", lora).status).toBe(0);
  const { tensors } = readSafetensors(join(lora, "pytorch_lora_weights.safetensors"));
  const [key, down] = [...tensors].find(([name]) => name.endsWith("attn1.to_q.lora_A.weight"))!;
  expect(key).toMatch(/^unet\.down_blocks\./);
  expect(down.shape[0]).toBe(2);
  expect(readFileSync(join(lora, "README.md"), "utf8")).toContain("EulerDiscreteScheduler");
});
