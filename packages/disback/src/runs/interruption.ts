/**
 * Turns Ctrl-C and `kill` into a request that the training loop answers at the end of its step. A second signal ends
 * the process at once; checkpoints on disk are not affected. A process started by `disback compare` also stops when its
 * parent is gone.
 */
export class Interruption {
  private received: NodeJS.Signals | undefined;
  private signals = 0;
  private readonly listener = (signal: NodeJS.Signals) => {
    // Another process of the run may already have passed on the same signal.
    if (++this.signals > 1) process.exit(exitCodeOf(signal));
    this.request(signal);
  };

  private readonly orphaned = () => this.request("SIGTERM");

  /** @param onRequest called once, at the first signal */
  constructor(private readonly onRequest: (signal: NodeJS.Signals) => void) {
    for (const signal of SIGNALS) process.on(signal, this.listener);
    process.on("disconnect", this.orphaned);
    // `connected` is undefined without a channel: only a process that had a parent can lose it.
    if (process.connected === false) this.orphaned();
  }

  /** Acts as if the signal had come from outside. */
  request(signal: NodeJS.Signals): void {
    if (this.received) return;
    this.received = signal;
    this.onRequest(signal);
  }

  get requested(): boolean {
    return this.received !== undefined;
  }

  /** The exit code after a clean stop: 130 for SIGINT, 143 for SIGTERM, as shells expect. */
  get exitCode(): number {
    return exitCodeOf(this.received ?? "SIGINT");
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.listener);
    process.off("disconnect", this.orphaned);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

function exitCodeOf(signal: NodeJS.Signals): number {
  return signal === "SIGTERM" ? 143 : 130;
}
