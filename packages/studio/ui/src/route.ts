import { useEffect, useState } from "preact/hooks";

/** What the page shows. It is in the address after `#`, for bookmarks and the back button. */
export type Route =
  | { view: "list" }
  | { view: "run"; id: string }
  | { view: "comparison"; id: string }
  | { view: "compare"; ids: string[] };

export const runLink = (id: string) => `#/run/${encodeURIComponent(id)}`;
export const comparisonLink = (id: string) => `#/comparison/${encodeURIComponent(id)}`;
export const compareLink = (ids: readonly string[]) => `#/compare/${ids.map(encodeURIComponent).join("/")}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(parse(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parse(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

function parse(hash: string): Route {
  const [, view, ...parts] = hash.split("/");
  try {
    const ids = parts.filter((part) => part !== "").map(decodeURIComponent);
    if ((view === "run" || view === "comparison") && ids[0] !== undefined) return { view, id: ids[0] };
    if (view === "compare") return { view, ids };
  } catch {
    // An address that ends inside an escape leads to the list.
  }
  return { view: "list" };
}
