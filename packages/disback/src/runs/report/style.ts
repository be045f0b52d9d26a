/** The page's style: one column of text width, figures in a grid, dark or light as the reader's system. */
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
main { max-width: 1280px; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .9rem; font-weight: 620; }
.sentence { font-size: 1.08rem; margin: 0 0 .15rem; }
.subtitle { color: var(--muted); margin: 0 0 1.25rem; overflow-wrap: anywhere; }
.failure { color: var(--series-6); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr)); gap: 1rem; }
.result .pair { max-width: max(30rem, calc(2 * (100vh - 12rem))); }
.result .pair:has(figure:only-child) { max-width: max(30rem, calc(100vh - 12rem)); }
.result figure { min-width: 0; padding: 0; border: 0; background: none; }
.result figcaption { margin-top: .4rem; color: var(--muted); line-height: 1.35; }
.result figcaption b { color: var(--ink); font-size: 1.08rem; margin-right: .3rem; }
button { font: inherit; color: inherit; padding: .35rem .8rem; border: 1px solid var(--line); border-radius: 7px; background: var(--surface); cursor: pointer; }
.picture { position: relative; display: block; width: 100%; padding: 0; border-radius: 10px; overflow: hidden; cursor: zoom-in; }
.picture img { width: 100%; height: auto; }
.picture img:not([hidden]) { display: block; }
.result img { image-rendering: pixelated; }
.points img { image-rendering: auto; }
.cell { position: absolute; outline: 3px solid var(--series-2); pointer-events: none; }
.time { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-top: .75rem; }
.time[hidden] { display: none; }
.time input { flex: 1 1 12rem; max-width: 34rem; min-height: 2rem; accent-color: var(--series-1); }
.time output { min-width: 14rem; font-variant-numeric: tabular-nums; }
.enlarged { width: min(96vw, calc(2 * (92vh - 8rem) + 3rem)); max-width: none; padding: .75rem 1rem 1rem; color: var(--ink); background: var(--surface); border: 1px solid var(--line); border-radius: 12px; }
.enlarged::backdrop { background: rgb(0 0 0 / 60%); }
.heading { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem; margin-bottom: .6rem; }
.heading button:last-child { margin-left: auto; }
.enlarged img { display: block; width: 100%; }
.crop { position: relative; overflow: hidden; border-radius: 8px; }
.enlarged .crop img { position: absolute; max-width: none; height: auto; }
.headline { display: grid; grid-template-columns: repeat(var(--columns-wide, 4), minmax(0, 1fr)); gap: .75rem; margin: 2rem 0 0; }
.headline div { min-width: 0; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .75rem .9rem; }
.headline dt { color: var(--muted); font-size: .84rem; line-height: 1.3; }
.headline dd { margin: .15rem 0 0; font-size: 1.25rem; font-weight: 620; font-variant-numeric: tabular-nums; line-height: 1.25; overflow-wrap: anywhere; }
.headline dd.note { margin: .1rem 0 0; font-size: .82rem; font-weight: 400; color: var(--muted); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; }
.charts figure { min-width: 0; }
.charts.odd > :first-child { grid-column: 1 / -1; }
.charts.odd > :first-child svg { max-height: 26rem; }
.charts figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; min-height: 1.55em; margin-bottom: .5rem; font-weight: 560; }
.charts figcaption output { font-weight: 400; color: var(--muted); font-variant-numeric: tabular-nums; }
.dot { fill: var(--series-2); stroke: var(--surface); stroke-width: 2; }
figure svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 500; }
td.number, th.number { text-align: right; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .86em; overflow-wrap: anywhere; }
details { margin-top: 1rem; }
section + details { margin-top: 2.25rem; }
summary { cursor: pointer; font-weight: 560; padding: .3rem 0; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 0 2.5rem; align-items: start; }
.how { color: var(--muted); font-size: .88rem; max-width: 46rem; margin-top: 1rem; }
@media (max-width: 1000px) { .headline { grid-template-columns: repeat(var(--columns-middle, 3), minmax(0, 1fr)); } }
@media (max-width: 620px) {
  body { padding: 1.25rem .75rem 3rem; }
  .headline { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem; }
  .headline div:last-child:nth-child(odd) { grid-column: span 2; }
  .pair { gap: .5rem; }
  .result figcaption { font-size: .85rem; }
  .charts figure { padding: .7rem .5rem .7rem .9rem; }
  .charts svg { overflow: visible; }
  .charts svg text { font-size: 18px !important; }
  .heading output { order: 1; flex-basis: 100%; }
  .enlarged .pair { grid-template-columns: minmax(0, 36vh); justify-content: center; }
}
@media (prefers-color-scheme: dark) { .points img { filter: invert(1) hue-rotate(180deg); } }
.texts figure { margin: 0 0 1.5rem; }
.texts ol { margin: 0.5rem 0 0; padding: 0 0 0 1.9rem; }
.texts li { padding: 0.2rem 0; overflow-wrap: anywhere; }
`;
