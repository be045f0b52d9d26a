import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";

const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** Whether an address to listen on is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Who may do what.
 *
 * - The Host header must be a name of this server: a foreign name that resolves to us (DNS rebinding) is refused.
 * - On loopback everyone who reaches us may read. Elsewhere reading needs the token, shown once for a cookie. The cookie
 *   holds only a key made from the token: it opens nothing but reading.
 * - Acting needs the token itself in a header, and an Origin that is ours.
 */
export class Access {
  readonly token = randomBytes(24).toString("base64url");
  private readonly readKey = createHmac("sha256", this.token).update("read").digest("base64url");
  private readonly names: Set<string>;

  constructor(
    /** The address that is listened on. */
    private readonly host: string,
    allowedHosts: readonly string[] = [],
  ) {
    this.names = new Set([...LOOPBACK, host, hostname(), ...allowedHosts].map((name) => name.toLowerCase()));
  }

  /** Whether the request was sent to one of our own names. A bare address cannot be rebound. */
  isOurs(request: IncomingMessage): boolean {
    const name = hostName(request.headers.host);
    if (name === undefined) return false;
    return this.names.has(name) || (!isLoopback(this.host) && isIP(name) !== 0);
  }

  mayRead(request: IncomingMessage): boolean {
    if (isLoopback(this.host) || this.hasToken(request)) return true;
    return cookies(request).some(
      ([name, value]) => name === this.cookieName(request) && same(value, this.readKey),
    );
  }

  /** @returns why not, or `undefined` */
  refusalToAct(request: IncomingMessage): string | undefined {
    if (!this.isSameOrigin(request)) return "actions must come from the studio's own page";
    if (!this.hasToken(request)) return "the token of the studio's address is needed to act";
    return undefined;
  }

  isSameOrigin(request: IncomingMessage): boolean {
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin") return false;
    const { origin, host } = request.headers;
    return (
      origin !== undefined && host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`
    );
  }

  hasToken(request: IncomingMessage): boolean {
    const given = request.headers["x-studio-token"];
    return typeof given === "string" && same(given, this.token);
  }

  /** For a client that has shown the token. */
  readCookie(request: IncomingMessage): string {
    return `${this.cookieName(request)}=${this.readKey}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Cookies know no ports: two studios on one machine would overwrite each other's. */
  private cookieName(request: IncomingMessage): string {
    return `disback-studio-${request.socket.localPort}`;
  }
}

/** Name or address of a Host header without the port, lower case; `undefined` for a malformed one. */
function hostName(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d+)?$/i.exec(header ?? "") ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

function cookies(request: IncomingMessage): [name: string, value: string][] {
  return (request.headers.cookie ?? "").split(";").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
