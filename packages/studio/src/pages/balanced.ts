/**
 * Columns for a number of small cards such that none stands alone in the last row: as few rows as `most` allows, evenly
 * filled.
 */
export function balancedColumns(count: number, most: number): number {
  const rows = Math.max(1, Math.ceil(count / most));
  let columns = Math.ceil(count / rows);
  while (columns > 2 && count % columns === 1) columns--;
  return Math.max(1, columns);
}
