import { useState } from "preact/hooks";

/** Work that buttons start: its message for people, and whether it is under way. */
export function useTask() {
  const [message, setMessage] = useState("");
  const [isBusy, setBusy] = useState(false);
  /** @param first the message while it runs @param work gives the message at its end */
  const perform = async (first: string, work: () => Promise<string>) => {
    setBusy(true);
    setMessage(first);
    try {
      setMessage(await work());
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return { message, isBusy, perform };
}

/** Why a button cannot be used. */
export const NEEDS_TOKEN = "needs the token of the address in the terminal";
