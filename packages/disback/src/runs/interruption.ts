/**
 * Turns Ctrl-C and `kill` into a request the training loop answers at the end of its step. A second signal ends
 * the process at once; the checkpoints on disk stay as they are. A process that `disback compare` started also stops
 * when that has gone: nobody would watch it any more.
 */
export class Interruption {
  private received: NodeJS.Signals | undefined;
  private signals = 0;
  private readonly listener = (signal: NodeJS.Signals) => {
    // Other processes of a run may have passed on what this one's first signal only repeats.
    if (++this.signals > 1) process.exit(exitCodeOf(signal));
    this.request(signal);
  };

  private readonly orphaned = () => this.request("SIGTERM");

  /** @param onRequest called once, at the first signal */
  constructor(private readonly onRequest: (signal: NodeJS.Signals) => void) {
    for (const signal of SIGNALS) process.on(signal, this.listener);
    process.on("disconnect", this.orphaned);
    // Never connected is undefined: only a process that had a parent to talk to can have lost it.
    if (process.connected === false) this.orphaned();
  }

  /** As if the signal had come from outside. */
  request(signal: NodeJS.Signals): void {
    if (this.received) return;
    this.received = signal;
    this.onRequest(signal);
  }

  get requested(): boolean {
    return this.received !== undefined;
  }

  /** What the process should exit with after a clean stop: 130 for SIGINT, 143 for SIGTERM, as shells expect. */
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
