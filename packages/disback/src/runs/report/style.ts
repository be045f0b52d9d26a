/** The page's style: one column of text width, figures in a grid, dark and light after the reader's system. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfaf8; --surface: #ffffff; --ink: #1d1c1a; --muted: #6b6963; --line: #e4e2dc;
  --series-1: #2a6fc9; --series-2: #cf5a2a; --series-3: #15805a; --series-4: #8a4fc2; --series-5: #a8791a; --series-6: #c23c73;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161614; --surface: #1f1f1c; --ink: #eceae4; --muted: #a09d95; --line: #34332f;
    --series-1: #6ea8ef; --series-2: #ee8a5f; --series-3: #4fbf92; --series-4: #b98be8; --series-5: #d9ad52; --series-6: #ee85ae;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif;
}
main { max-width: 1160px; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .9rem; font-weight: 620; }
.subtitle { color: var(--muted); margin: 0 0 1.75rem; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: .75rem; margin: 0; }
.headline div { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .85rem 1rem; }
.headline dt { color: var(--muted); font-size: .84rem; }
.headline dd { margin: .15rem 0 0; font-size: 1.35rem; white-space: nowrap; font-weight: 620; font-variant-numeric: tabular-nums; line-height: 1.25; }
.headline dd.note { margin: 0; font-size: .82rem; white-space: normal; font-weight: 400; color: var(--muted); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; }
.charts figcaption { font-weight: 560; margin-bottom: .5rem; }
figure svg { display: block; width: 100%; height: auto; }
.grids { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 1rem; }
.grids figure { padding: .6rem; }
.grids img { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 5px; }
.grids figcaption { font-size: .85rem; margin-top: .45rem; color: var(--muted); display: flex; justify-content: space-between; gap: .5rem; font-variant-numeric: tabular-nums; }
.grids figcaption b { color: var(--ink); font-weight: 560; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 500; }
td.number, th.number { text-align: right; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .86em; overflow-wrap: anywhere; }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 560; padding: .3rem 0; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 0 2.5rem; align-items: start; }
.how { color: var(--muted); font-size: .88rem; max-width: 46rem; margin-top: 1rem; }
`;
