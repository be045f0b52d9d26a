// Curves of a measurement as an SVG: a panel for each figure, a thin line for each seed, a thick one for the median.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as echarts from "echarts";
import { quantile } from "../report.mjs";

const colours = ["#2a78b5", "#d1495b", "#6a994e", "#8a5a9e", "#c08a2b", "#4c4c4c"];
const [width, height, top] = [330, 260, 40];

/**
 * @param name of the file in docs/images
 * @param panels `{ title, figure, level, logarithmic }`; the level is the teacher's
 * @param rows `{ method, curve }`, with the figures at each `x` of a curve
 * @param x name of the horizontal figure
 */
export function drawCurves(name, { panels, rows, x, xName }) {
  const methods = [...new Set(rows.map(({ method }) => method))];
  const chart = echarts.init(null, null, {
    ...{
      renderer: "svg",
      ssr: true,
      width: width * panels.length,
      height: height + 26 * methods.length + top + 10,
    },
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: panels.map(({ title }, place) => ({
      ...{ text: title, left: place * width + 50, top: 8, textStyle: { fontSize: 13 } },
    })),
    legend: { orient: "vertical", left: 50, top: height + top, itemHeight: 8, data: methods },
    grid: panels.map((_, place) => ({
      left: place * width + 50,
      top,
      width: width - 70,
      height: height - top - 10,
    })),
    xAxis: panels.map((_, gridIndex) => ({
      ...{ gridIndex, name: xName, nameLocation: "middle", nameGap: 24, type: "value" },
    })),
    yAxis: panels.map(({ logarithmic }, gridIndex) => ({
      ...{ gridIndex, type: logarithmic ? "log" : "value", scale: true },
      axisLabel: { formatter: (value) => Number(value.toPrecision(2)).toString() },
    })),
    series: panels.flatMap((panel, place) =>
      methods.flatMap((method, at) => {
        const curves = rows.filter((row) => row.method === method).map(({ curve }) => curve);
        return lines(curves, {
          ...panel,
          x,
          method,
          color: colours[at],
          axes: { xAxisIndex: place, yAxisIndex: place },
        });
      }),
    ),
  });
  const path = fileURLToPath(new URL(`../../docs/images/${name}`, import.meta.url));
  // The styles are for pointing at lines, which a picture is not for.
  const svg = chart.renderToSVGString().replace(/<style[\s\S]*?<\/style>/, "");
  const label = `${panels.map(({ title }) => title).join("; ")}, over ${xName}`;
  writeFileSync(path, svg.replace("<svg ", `<svg role="img" aria-label="${label}" `));
  chart.dispose();
  console.log(path);
}

function lines(curves, { figure, level, x, method, color, axes }) {
  const line = (data, more) => ({ type: "line", showSymbol: false, data, color, ...axes, ...more });
  const points = (curve) => curve.map((point) => [point[x], point[figure]]);
  const length = Math.min(...curves.map((curve) => curve.length));
  const median = Array.from({ length }, (_, at) =>
    [x, figure].map((name) =>
      quantile(
        curves.map((curve) => curve[at][name]),
        0.5,
      ),
    ),
  );
  const teacher = { silent: true, symbol: "none", lineStyle: { type: "dashed", color: "#777" } };
  const mark =
    level === undefined
      ? {}
      : {
          markLine: {
            ...teacher,
            label: { formatter: "teacher", position: "insideStartTop" },
            data: [{ yAxis: level }],
          },
        };
  return [
    ...curves.map((curve) => line(points(curve), { lineStyle: { width: 1, opacity: 0.35 } })),
    line(median, { name: method, lineStyle: { width: 2.5 }, ...mark }),
  ];
}
