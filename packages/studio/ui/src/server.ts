import type {
  Action,
  ExportFormat,
  RunCurves,
  RunDetail,
  StudioFacts,
  WantedRun,
  WantedSamples,
} from "../../src/wire.ts";

/** An error response; 401 asks for the token. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Two studios may have the same host at different paths. */
const KEPT = `disback-studio-token ${location.pathname}`;

/** The token from the address's fragment, which is removed at once so that it is not copied along, or a stored one. */
let token = takeToken();

function takeToken(): string {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem(KEPT) ?? "";
}

/** Exchanges the token for the cookie that pictures and events need. @throws ServerError for a wrong one */
export async function signIn(given = token): Promise<void> {
  if (given === "") return;
  await call("api/session", { method: "POST", headers: { "x-studio-token": given } });
  token = given;
  sessionStorage.setItem(KEPT, given);
}

export const getFacts = () => call<StudioFacts>("api/facts", {});
export const getRun = (id: string) => call<RunDetail>(`api/run?${new URLSearchParams({ id })}`, {});

export interface Range {
  from: number;
  to: number;
}

export function getCurves(id: string, axis: string, points: number, range?: Range): Promise<RunCurves> {
  const view: Record<string, string> = range ? { from: String(range.from), to: String(range.to) } : {};
  return call<RunCurves>(
    `api/curves?${new URLSearchParams({ id, axis, points: String(points), ...view })}`,
    {},
  );
}

export const sampleUrl = (id: string, file: string) => `api/sample?${new URLSearchParams({ id, file })}`;

export async function act(id: string, action: Action): Promise<void> {
  await call("api/act", post({ id, action }));
}

/** Starts a run. @returns its id */
export const startRun = (wanted: WantedRun) => call<{ id: string }>("api/start", post(wanted));

/** Exports a run's model. @returns the file or folder, relative to the studio's */
export const exportRun = (id: string, format: ExportFormat) =>
  call<{ file: string }>("api/export", post({ id, format }));

/** Draws texts of a run's model. */
export async function drawTexts(id: string, wanted: WantedSamples): Promise<string[]> {
  return linesOf(await draw(id, { ...wanted, texts: true }));
}

/** Draws samples of a run's model. @returns a picture as an address that holds it */
export async function drawSamples(id: string, wanted: WantedSamples): Promise<string> {
  const bytes = await (await draw(id, wanted)).blob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsDataURL(bytes);
  });
}

async function draw(id: string, wanted: WantedSamples): Promise<Response> {
  const response = await send("api/draw", post({ id, ...wanted }));
  if (!response.ok) await answerOf(response);
  return response;
}

const post = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** Texts from a sample file, one a line. */
export async function getTexts(id: string, file: string): Promise<string[]> {
  const response = await fetch(sampleUrl(id, file));
  if (!response.ok) throw new ServerError(response.status, "these samples cannot be read");
  return linesOf(response);
}

const linesOf = async (response: Response) => (await response.text()).replace(/\n$/, "").split("\n");

/** Points of the plane from a sample file, x and y in turn. */
export async function getPoints(id: string, file: string): Promise<Float32Array> {
  const response = await fetch(sampleUrl(id, file));
  if (!response.ok) throw new ServerError(response.status, "these samples cannot be read");
  const bytes = await response.arrayBuffer();
  // NumPy's format, version 1: magic, version, length of the header (16 bits at 8), header, data.
  const start = 10 + new DataView(bytes).getUint16(8, true);
  return new Float32Array(bytes.slice(start));
}

async function call<Answer>(path: string, init: RequestInit): Promise<Answer> {
  return answerOf(await send(path, init));
}

/** @param path without a leading slash, so that it is relative to a proxy's path */
async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, headers: { "x-studio-token": token, ...init.headers } });
  } catch {
    throw new ServerError(0, "the studio does not answer");
  }
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const answer = (await response.json().catch(() => ({}))) as Answer & { error?: string };
  if (!response.ok) throw new ServerError(response.status, answer.error ?? `answer ${response.status}`);
  return answer;
}
