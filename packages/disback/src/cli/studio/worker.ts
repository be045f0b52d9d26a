import { parentPort, workerData } from "node:worker_threads";
import { startStudio } from "@disback/studio";
import { runControl } from "./run-control.js";

const { folder } = workerData as { folder: string };
const { url } = await startStudio({ folder, runControl });
parentPort?.postMessage(url);
