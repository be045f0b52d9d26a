import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** What a member of a group left: the JSON it printed, or `undefined` if it was killed. */
export type MemberResult = unknown;

/** Runs a script in a group of processes, as a launcher would, each with a GPU of its own. @returns what each of them printed */
export async function inGroup(script: string, size: number, ...words: string[]): Promise<MemberResult[]> {
  const port = await freePort();
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  return Promise.all(
    ranks.map((rank) =>
      printed(script, words, {
        ...{ RANK: String(rank), WORLD_SIZE: String(size), CUDA_VISIBLE_DEVICES: String(rank) },
        ...{ MASTER_ADDR: "127.0.0.1", MASTER_PORT: String(port) },
      }),
    ),
  );
}

/** Runs a script to its end. @returns the JSON it printed, or `undefined` if it was killed */
export function printed(
  script: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<MemberResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...words], { env: { ...process.env, ...environment } });
    let [out, problems] = ["", ""];
    child.stdout.on("data", (text: Buffer) => (out += text));
    child.stderr.on("data", (text: Buffer) => (problems += text));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(JSON.parse(out));
      else if (signal === "SIGKILL") resolve(undefined);
      else reject(new Error(`${environment.RANK ?? script} ended with ${code ?? signal}: ${problems}`));
    });
  });
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
