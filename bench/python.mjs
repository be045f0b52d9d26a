// Python's side of a comparison: a process that answers one JSON line with one JSON line, so that both sides take
// turns in one run on one machine.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * @param python the interpreter; PyTorch must be importable
 * @param script beside this file; it reads requests from its standard input, see peer.py
 * @param threads OMP_NUM_THREADS of the process
 */
export class PythonPeer {
  constructor(python, script, threads) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.process = spawn(python, [path], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((_, reject) => {
      this.process.on("error", (error) => reject(new Error(`cannot start ${python}: ${error.message}`)));
      this.process.on("exit", (code) => reject(new Error(`${python} ${script} ended with code ${code}`)));
    });
    this.ended.catch(() => {});
  }

  /** Sends a request and waits for its answer. */
  async ask(request) {
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await Promise.race([this.lines.next(), this.ended]);
    if (line.done) await this.ended;
    return JSON.parse(line.value);
  }

  close() {
    this.process.stdin.end();
  }
}

/**
 * Both sides must run the same libtorch, or the comparison says nothing about the bindings.
 * @returns the version
 * @throws Error that says how to make an environment with the right one
 */
export async function requireSameVersion(peer, ours) {
  const wanted = ours.split("+")[0];
  const remedy = `python3 -m venv .venv && .venv/bin/pip install torch==${wanted} numpy, then --python .venv/bin/python`;
  const { version } = await peer.ask({ do: "version" }).catch((error) => {
    throw new Error(`${error.message}; if it lacks PyTorch: ${remedy}`);
  });
  if (version.split("+")[0] === wanted) return version;
  throw new Error(`Python has PyTorch ${version}, the addon was built with libtorch ${ours}: ${remedy}`);
}
