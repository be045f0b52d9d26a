import { useState } from "preact/hooks";
import { flatten } from "../format.ts";

/** Settings of one or more runs side by side; differences are marked by a sign and a colour. */
export function SettingsTable({
  columns,
}: {
  columns: { name: string; settings: Record<string, unknown> }[];
}) {
  const several = columns.length > 1;
  const [onlyDifferent, setOnlyDifferent] = useState(several);
  const values = columns.map(({ settings }) => new Map(flatten(settings)));
  const names = [...new Set(values.flatMap((one) => [...one.keys()]))];
  const rows = names.map((name) => {
    const cells = values.map((one) => one.get(name));
    return { name, cells, differs: cells.some((cell) => cell !== cells[0]) };
  });
  const shown = rows.filter((row) => row.differs || !onlyDifferent);
  return (
    <div class="settings">
      {several && (
        <label>
          <input
            type="checkbox"
            checked={onlyDifferent}
            onChange={(event) => setOnlyDifferent(event.currentTarget.checked)}
          />{" "}
          only what differs
        </label>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <section class="scroll" tabIndex={0} aria-label="settings">
        <table>
          <thead>
            <tr>
              <th scope="col">setting</th>
              {columns.map(({ name }) => (
                <th scope="col" key={name}>
                  {several ? name : "value"}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, cells, differs }) => (
              <tr key={name} class={differs ? "differs" : ""}>
                <th scope="row">
                  {differs && (
                    <span class="mark" title="differs">
                      ≠<span class="unseen"> differs: </span>
                    </span>
                  )}
                  {name}
                </th>
                {cells.map((cell, index) => (
                  <td key={index}>{cell ?? <span class="quiet">not set</span>}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {shown.length === 0 && <p class="quiet">All settings are the same.</p>}
    </div>
  );
}
