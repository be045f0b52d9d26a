import { extract } from "tar-stream";
import { DisbackError } from "../../errors.js";
import type { ResolvedOptions } from "../options.js";
import { collect, unpackedStream } from "./bytes.js";

/** Whether unpacked bytes start like a tar archive ("ustar" in the first header). */
export const isTar = (head: Uint8Array): boolean =>
  Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar";

/**
 * Reads the wanted files of a tar or tar.gz into memory, since such an archive can only be read from front to back.
 * Links and devices are counted as left out; nothing is written to disk.
 * @param wanted whether to keep a file, by its name
 * @returns contents by name, in the archive's order
 * @throws DisbackError naming archive and entry if it is damaged, a name climbs out of the archive, or it unpacks to
 * more than the limits
 */
export async function readTar(
  path: string,
  wanted: (name: string) => boolean,
  { limits, findings }: Pick<ResolvedOptions, "limits" | "findings">,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const archive = extract();
  const stream = await unpackedStream(path);
  stream.on("error", (error) => archive.destroy(error));
  stream.pipe(archive);
  let total = 0;
  try {
    for await (const entry of archive) {
      const name = entry.header.name.replace(/^(\.\/)+/, "");
      if (name.startsWith("/") || name.includes("\\") || name.split("/").includes(".."))
        throw new DisbackError(
          `${path}: the entry "${entry.header.name}" points outside the archive: refused`,
        );
      total += entry.header.size ?? 0;
      if (total > limits.totalBytes)
        throw new DisbackError(
          `${path} unpacks to more than ${limits.totalBytes} bytes: unpack it and give the folder instead`,
        );
      const { type } = entry.header;
      if (type !== "file" && type !== "directory") findings.leaveOut("link in the tar", name);
      if (type !== "file" || !wanted(name)) entry.resume();
      else {
        if (files.has(name)) findings.leaveOut("earlier version of a file", name);
        files.set(name, await collect(entry, `${path}:${name}`, limits.entryBytes));
      }
    }
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`${path} is damaged or cut short (${(error as Error).message})`);
  } finally {
    stream.destroy();
  }
  return files;
}
