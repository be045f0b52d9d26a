/**
 * The number of columns for small cards, so that the rows are evenly filled and as few as `most` allows.
 */
export function balancedColumns(count: number, most: number): number {
  const rows = Math.max(1, Math.ceil(count / most));
  let columns = Math.ceil(count / rows);
  while (columns > 2 && count % columns === 1) columns--;
  return Math.max(1, columns);
}
