import { createHash } from "node:crypto";

/** Escapes text for HTML, between tags and in quoted attributes. */
export function escapeHtml(text: unknown): string {
  return String(text).replace(
    /[&<>"']/g,
    (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[character]!,
  );
}

/** Nested settings as `path, value` rows. */
export function flattenRows(tree: Record<string, unknown>, prefix = ""): [string, string][] {
  return Object.entries(tree).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || value === null) return [];
    if (typeof value === "object" && !Array.isArray(value)) {
      return flattenRows(value as Record<string, unknown>, `${prefix}${name}.`);
    }
    return [[prefix + name, typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

/** A two-column table. */
export function rowsTable(rows: readonly (readonly [string, string])[]): string {
  const body = rows.map(
    ([name, value]) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<div class="scroll"><table><tbody>${body.join("")}</tbody></table></div>`;
}

/**
 * A self-contained page that may not load anything.
 *
 * @param main its content, as markup
 * @param script the only script that may run; default none
 */
export function htmlPage({
  title,
  style,
  main,
  script,
}: {
  title: string;
  style: string;
  main: string;
  script?: string;
}): string {
  const allowed = script === undefined ? "" : `; script-src 'sha256-${sha256(script)}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'${allowed}">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${main}
</main>
${script === undefined ? "" : `<script>${script}</script>\n`}</body>
</html>
`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
