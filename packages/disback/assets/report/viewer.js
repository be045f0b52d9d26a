// The report's script: a slider through time, samples that enlarge, curves that tell their values. Without it the report
// shows the newest pictures.

for (const result of document.querySelectorAll(".result")) showResult(result);
for (const chart of document.querySelectorAll("[data-curves]")) followCurves(chart);

/** @param {HTMLElement} result pictures of one or more students through time, and perhaps one of the teacher */
function showResult(result) {
  const pictures = [...result.querySelectorAll(".picture")];
  const films = [...result.querySelectorAll(".frames")].map((one) => [...one.querySelectorAll("img")]);
  const frames = films[0] ?? [];
  const grid = result.dataset.count
    ? { columns: +result.dataset.columns, count: +result.dataset.count, padding: +result.dataset.padding }
    : undefined;
  const classes = JSON.parse(result.dataset.classes ?? "[]");
  const nameOf = (sample) => (classes.length > 0 ? `, ${classes[sample % classes.length]}` : "");
  const time = result.querySelector(".time");
  const slider = time.querySelector("input");
  const play = time.querySelector("button");
  const now = time.querySelector(".moment");
  const captions = films.map(([image]) => image.closest("figure").querySelector("figcaption .moment"));
  let index = frames.length - 1;
  let timer;

  function show(next) {
    index = next;
    for (const [film, images] of films.entries()) {
      for (const [place, image] of images.entries()) image.hidden = place !== index;
      captions[film].textContent = images[index].dataset.caption;
    }
    now.textContent = frames[index].dataset.moment ?? frames[index].dataset.caption;
    slider.value = index;
    slider.setAttribute("aria-valuetext", now.textContent);
  }
  function stop() {
    clearInterval(timer);
    timer = undefined;
    play.textContent = "Play";
  }
  if (frames.length > 1) {
    time.hidden = false;
    slider.max = frames.length - 1;
    show(index);
    slider.addEventListener("input", () => {
      stop();
      show(slider.valueAsNumber);
    });
    play.addEventListener("click", () => {
      if (timer !== undefined) return stop();
      show(index === frames.length - 1 ? 0 : index);
      play.textContent = "Pause";
      timer = setInterval(() => (index + 1 < frames.length ? show(index + 1) : stop()), 700);
    });
  }

  // What is pointed at in one picture is marked in the other: they come from the same noise.
  const marks = pictures.map((picture) => {
    const mark = document.createElement("span");
    mark.className = "cell";
    mark.hidden = true;
    picture.append(mark);
    return mark;
  });
  const sampleAt = (event) => {
    if (!grid) return undefined;
    const box = event.currentTarget.getBoundingClientRect();
    const rows = Math.ceil(grid.count / grid.columns);
    const column = Math.floor(((event.clientX - box.left) / box.width) * grid.columns);
    const sample = Math.floor(((event.clientY - box.top) / box.height) * rows) * grid.columns + column;
    return column >= 0 && column < grid.columns && sample >= 0 && sample < grid.count ? sample : undefined;
  };
  const mark = (sample) => {
    for (const [place, one] of marks.entries()) {
      const image = pictures[place].querySelector("img:not([hidden])");
      one.hidden = sample === undefined;
      if (sample === undefined) continue;
      const { left, top, width, height } = cellOf(grid, image, sample);
      one.style.left = `${(100 * left) / image.naturalWidth}%`;
      one.style.top = `${(100 * top) / image.naturalHeight}%`;
      one.style.width = `${(100 * width) / image.naturalWidth}%`;
      one.style.height = `${(100 * height) / image.naturalHeight}%`;
    }
  };
  for (const picture of pictures) {
    picture.addEventListener("mousemove", (event) => mark(sampleAt(event)));
    picture.addEventListener("mouseleave", () => mark(undefined));
    // Pressed by a key it has no place.
    picture.addEventListener("click", (event) => enlarge(event.detail === 0 ? 0 : (sampleAt(event) ?? 0)));
  }

  function enlarge(sample) {
    const dialog = document.createElement("dialog");
    dialog.className = "enlarged";
    dialog.setAttribute("aria-label", "enlarged samples");
    const heading = element("div", "heading");
    const text = element("output");
    const place = element("div", "pair");
    const button = (words, label, act) => {
      const one = element("button", "", words);
      one.type = "button";
      one.setAttribute("aria-label", label);
      one.addEventListener("click", act);
      return one;
    };
    const go = (step) => {
      sample = (sample + step + grid.count) % grid.count;
      draw();
    };
    if (grid)
      heading.append(
        button("←", "previous sample", () => go(-1)),
        button("→", "next sample", () => go(1)),
        text,
      );
    heading.append(button("Close", "close", () => dialog.close()));
    function draw() {
      text.textContent = grid ? `sample ${sample + 1} of ${grid.count}${nameOf(sample)}` : "";
      place.replaceChildren(
        ...pictures.map((picture) => {
          const figure = element("figure");
          const image = picture.querySelector("img:not([hidden])");
          const copy = element("img");
          copy.src = image.src;
          copy.alt = `${image.alt}${nameOf(sample)}`;
          const crop = element("div", grid ? "crop" : "");
          if (grid) {
            const { left, top, width, height } = cellOf(grid, image, sample);
            crop.style.aspectRatio = `${width} / ${height}`;
            copy.style.width = `${(100 * image.naturalWidth) / width}%`;
            copy.style.left = `${(-100 * left) / width}%`;
            copy.style.top = `${(-100 * top) / height}%`;
          }
          crop.append(copy);
          const caption = picture.parentElement.querySelector("figcaption").cloneNode(true);
          figure.append(crop, caption);
          return figure;
        }),
      );
    }
    draw();
    dialog.append(heading, place);
    dialog.addEventListener("keydown", (event) => {
      if (grid && event.key === "ArrowLeft") go(-1);
      if (grid && event.key === "ArrowRight") go(1);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    result.append(dialog);
    dialog.showModal();
  }
}

/** Where a sample is, in a picture's own pixels. */
function cellOf({ columns, count, padding }, { naturalWidth, naturalHeight }, sample) {
  const stepX = (naturalWidth - padding) / columns;
  const stepY = (naturalHeight - padding) / Math.ceil(count / columns);
  return {
    left: padding + (sample % columns) * stepX,
    top: padding + Math.floor(sample / columns) * stepY,
    width: stepX - padding,
    height: stepY - padding,
  };
}

/** Reads values out under the pointer, or as the arrow keys go. @param {HTMLElement} figure a chart with its points */
function followCurves(figure) {
  const curves = JSON.parse(figure.dataset.curves);
  const svg = figure.querySelector("svg");
  const output = figure.querySelector("output");
  const dots = curves.map(() => {
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    dot.setAttribute("r", "5");
    dot.setAttribute("class", "dot");
    svg.append(dot);
    return dot;
  });
  const places = [...new Set(curves.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  let at = places.length;
  const clear = () => {
    output.textContent = "";
    for (const dot of dots) dot.style.display = "none";
  };
  const show = (x) => {
    const nearest = places.reduce((best, one) => (Math.abs(one - x) < Math.abs(best - x) ? one : best));
    at = places.indexOf(nearest);
    const values = [];
    for (const [place, { name, points }] of curves.entries()) {
      const point = points.find(([one]) => one === nearest);
      dots[place].style.display = point ? "" : "none";
      if (!point) continue;
      dots[place].setAttribute("cx", point[0]);
      dots[place].setAttribute("cy", point[1]);
      values.push(curves.length > 1 ? `${name} ${point[3]}` : point[3]);
      output.textContent = `${values.join(", ")} at ${figure.dataset.x} ${point[2]}`;
    }
  };
  clear();
  svg.addEventListener("pointermove", (event) => {
    const place = new DOMPoint(event.clientX, event.clientY);
    show(place.matrixTransform(svg.getScreenCTM().inverse()).x);
  });
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("blur", clear);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -places.length, End: places.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(places[Math.min(places.length - 1, Math.max(0, at + step))]);
  });
  svg.setAttribute("tabindex", "0");
}

function element(name, className = "", text = "") {
  const one = document.createElement(name);
  one.className = className;
  one.textContent = text;
  return one;
}
