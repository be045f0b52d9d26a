import { homedir } from "node:os";
import { join } from "node:path";

/** A folder for what runs share and can make again, such as conditions of prompts. */
export function cacheFolder(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "disback", name);
}
