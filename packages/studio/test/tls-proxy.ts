import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface ProxyOptions {
  /** Port of the studio on this machine. */
  to: number;
  /** Folder for the certificate. */
  folder: string;
  /** Path under which the studio is reached, such as `/lab/studio`. */
  prefix: string;
  /** Takes the prefix away before it passes a request on. */
  stripsPrefix: boolean;
  /** The Host that the studio sees: the browser's, or the studio's own address as nginx sends it by default. */
  host: "kept" | "replaced";
  /** Says where requests came from (X-Forwarded-*). */
  forwards: boolean;
}

/** A reverse proxy that ends TLS with a certificate made by itself, as people put one before a server. */
export async function startTlsProxy(options: ProxyOptions): Promise<{ server: Server; port: number }> {
  const { to, prefix, stripsPrefix, host, forwards } = options;
  const server = createServer(certificate(options.folder), (incoming, outgoing) => {
    const path = incoming.url ?? "/";
    if (!path.startsWith(`${prefix}/`)) return void outgoing.writeHead(404).end("not the studio's");
    const headers = { ...incoming.headers };
    if (host === "replaced") headers.host = `127.0.0.1:${to}`;
    if (forwards) {
      headers["x-forwarded-for"] = incoming.socket.remoteAddress ?? "";
      headers["x-forwarded-proto"] = "https";
      headers["x-forwarded-host"] = incoming.headers.host ?? "";
    }
    const passed = request(
      {
        ...{ host: "127.0.0.1", port: to, method: incoming.method, headers },
        path: stripsPrefix ? path.slice(prefix.length) : path,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.once("error", () => void outgoing.writeHead(502).end());
    outgoing.once("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

function certificate(folder: string): { key: Buffer; cert: Buffer } {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", "/CN=studio.example", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", key, "-out", cert], {
    stdio: "ignore",
  });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
