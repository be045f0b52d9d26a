import { join } from "node:path";
import type { RunControl } from "@disback/studio";
import { FolderLock } from "../../runs/lock.js";
import { askFor } from "../../runs/requests.js";
import { runWork } from "./run-work.js";
import { startInFolder } from "./started.js";

/** The studio's actions: locks, requests, and commands as separate processes. */
export const runControl: RunControl = {
  isHeld: (lock) => FolderLock.isHeld(lock),
  ask: askFor,
  resume: (folder) => startInFolder(["resume", folder], folder, join(folder, "resume.log")),
  work: runWork,
};
