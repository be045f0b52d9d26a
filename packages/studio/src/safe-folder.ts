import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";

/** Thrown for anything that is not a plain file below the folder. */
export class OutsideFolder extends Error {
  override name = "OutsideFolder";
}

/**
 * The only access to the disk: opens plain files below a folder. Links are followed only if they stay below it.
 */
export class SafeFolder {
  private constructor(
    /** Absolute, without links. */
    readonly root: string,
  ) {}

  /** @throws the system's error if the folder does not exist */
  static async at(path: string): Promise<SafeFolder> {
    return new SafeFolder(await realpath(path));
  }

  /**
   * The real path.
   *
   * @param parts joined below the folder; may contain `..` if the result stays inside
   * @throws OutsideFolder if it is elsewhere; the system's error if it does not exist
   */
  async locate(...parts: string[]): Promise<string> {
    if (parts.some((part) => part.includes("\0") || isAbsolute(part)))
      throw new OutsideFolder(parts.join("/"));
    const wanted = join(this.root, ...parts);
    if (!this.holds(wanted)) throw new OutsideFolder(wanted);
    const real = await realpath(wanted);
    if (!this.holds(real)) throw new OutsideFolder(real);
    return real;
  }

  /** Opens a plain file for reading. @throws as `locate`; OutsideFolder for pipes, devices and folders */
  async open(...parts: string[]): Promise<FileHandle> {
    const path = await this.locate(...parts);
    // The path has no links, unless one was added since. A pipe must not block us.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new OutsideFolder(path);
  }

  /** A whole file. @throws as `open`, and OutsideFolder for one of more than `most` bytes */
  async read(most: number, ...parts: string[]): Promise<Buffer> {
    const file = await this.open(...parts);
    try {
      if ((await file.stat()).size > most) throw new OutsideFolder(`${parts.join("/")}: too large`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  private holds(path: string): boolean {
    const way = relative(this.root, path);
    return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  }
}
