import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";

const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** Headers added by proxies. */
const FORWARDED = ["forwarded", "via", "x-real-ip"];

/** Whether an address to listen on is reachable only from this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Access control.
 *
 * - The Host header must be a name of this server: a foreign name that resolves to us (DNS rebinding) is refused.
 * - Reading needs the token, which is exchanged for a cookie. The cookie holds a key derived from the token, which only
 *   allows reading. Reading is free in one case: we listen on loopback, no further names are declared, and the request
 *   was sent to exactly the address we listen on. Requests through a proxy need the token.
 * - Acting needs the token itself in a header, and our own Origin.
 */
export class Access {
  readonly token = randomBytes(24).toString("base64url");
  private readonly readKey = createHmac("sha256", this.token).update("read").digest("base64url");
  private readonly declared: ReadonlySet<string>;
  private readonly names: ReadonlySet<string>;

  constructor(
    /** The address we listen on. */
    private readonly host: string,
    declared: readonly string[] = [],
  ) {
    this.declared = new Set(declared.map((name) => name.toLowerCase()));
    this.names = new Set([...LOOPBACK, host.toLowerCase(), hostname().toLowerCase(), ...this.declared]);
  }

  /** Whether the request was sent to one of our own names. A plain address cannot be rebound. */
  isOurs(request: IncomingMessage): boolean {
    const name = addressOf(request.headers.host)?.name;
    if (name === undefined) return false;
    return this.names.has(name) || (!isLoopback(this.host) && isIP(name) !== 0);
  }

  mayRead(request: IncomingMessage): boolean {
    if (this.isDirect(request) || this.hasToken(request)) return true;
    return cookies(request).some(
      ([name, value]) => name === this.cookieName(request) && same(value, this.readKey),
    );
  }

  /** @returns why acting is refused, or `undefined` */
  refusalToAct(request: IncomingMessage): string | undefined {
    if (!this.isSameOrigin(request)) return "actions must come from the studio's own page";
    if (!this.hasToken(request)) return "the token of the studio's address is needed to act";
    return undefined;
  }

  /**
   * Whether the studio's own page sent the request. Its Origin is our Host by http, or by https where a proxy ends TLS.
   * A proxy may put another Host in its place: then the Origin must be a declared name, and the browser
   * (Sec-Fetch-Site) or the proxy (X-Forwarded-Host) must say that the page is the one the request was sent to.
   */
  isSameOrigin(request: IncomingMessage): boolean {
    const { origin, host, "sec-fetch-site": site, "x-forwarded-host": forwarded } = request.headers;
    if (site !== undefined && site !== "same-origin") return false;
    const [, scheme, place] = /^(https?):\/\/(.+)$/i.exec(origin ?? "") ?? [];
    if (scheme === undefined || place === undefined) return false;
    const page = placeOf(scheme, place);
    if (page === undefined) return false;
    if (page === placeOf(scheme, host)) return true;
    const isDeclared = this.declared.has(addressOf(place)!.name);
    const outer = typeof forwarded === "string" ? forwarded.split(",")[0]!.trim() : undefined;
    return isDeclared && (site === "same-origin" || page === placeOf(scheme, outer));
  }

  hasToken(request: IncomingMessage): boolean {
    const given = request.headers["x-studio-token"];
    return typeof given === "string" && same(given, this.token);
  }

  /**
   * The cookie for a page that has shown the token. Without a `Path`, browsers use the folder of the request, which is
   * `/api` after the proxy's prefix. So we need not know the prefix.
   */
  readCookie(request: IncomingMessage): string {
    const secure = request.headers.origin?.toLowerCase().startsWith("https:") ? "; Secure" : "";
    return `${this.cookieName(request)}=${this.readKey}; HttpOnly; SameSite=Strict${secure}`;
  }

  /** As far as we can tell, sent from this machine to the address we listen on. */
  private isDirect({ headers, socket }: IncomingMessage): boolean {
    if (!isLoopback(this.host) || this.declared.size > 0) return false;
    const address = addressOf(headers.host);
    if (!address || !isLoopback(address.name) || address.port !== String(socket.localPort)) return false;
    return !Object.keys(headers).some((name) => FORWARDED.includes(name) || name.startsWith("x-forwarded-"));
  }

  /** Cookies ignore ports, so two studios on one machine would overwrite each other's. */
  private cookieName(request: IncomingMessage): string {
    return `disback-studio-${request.socket.localPort}`;
  }
}

/** Name or address of a Host header, in lower case, and its port; `undefined` for a malformed one. */
function addressOf(header: string | undefined): { name: string; port: string | undefined } | undefined {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d+))?$/i.exec(header ?? "") ?? [];
  const name = (bracketed ?? plain)?.toLowerCase();
  return name === undefined ? undefined : { name, port };
}

/** Name and port; default the scheme's port. */
function placeOf(scheme: string, header: string | undefined): string | undefined {
  const address = addressOf(header);
  return address && `${address.name} ${address.port ?? (scheme.toLowerCase() === "https" ? "443" : "80")}`;
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
