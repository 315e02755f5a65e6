// A chart: BokehJS draws lines, bands, marks and levels on a canvas, and asks us what to say of the one that is pointed at.
const FONT = "system-ui, sans-serif";
const NARROW = 480; // pixels
const widths = new WeakMap(); // asking an element for its width would lay out the page each time
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) widths.set(target, contentRect.width);
});

function isNarrow(host) {
  if (!widths.has(host)) {
    widths.set(host, host.clientWidth);
    resized.observe(host);
  }
  return widths.get(host) < NARROW;
}

const finePointer = matchMedia("(pointer: fine)");

function axisStyle(axis, label) {
  axis.axis_label = label;
  for (const part of ["axis_label", "major_label"]) {
    axis[`${part}_text_color`] = ink("text");
    axis[`${part}_text_font`] = FONT;
    axis[`${part}_text_font_size`] = "13px";
  }
  axis.axis_label_text_font_style = "normal";
  axis.axis_line_color = axis.major_tick_line_color = ink("line");
  axis.minor_tick_line_color = null;
  axis.major_tick_in = 0;
}

// New data for a source: each that is put in has the chart drawn anew.
function put(source, data) {
  const lengths = [data, source.data].map((one) => Object.values(one)[0].length);
  if (lengths.some((length) => length > 0)) source.data = data;
}

// {update({lines, marks, levels, x, y}), highlight(lines), replaced(options)}; the figure is made anew with its axes.
function chart(host, describe) {
  let parts = null, key = "", last = null;
  nameTools(host);

  function make(options) {
    parts?.shown.then((shown) => shown.remove());
    host.replaceChildren();
    const kind = (log) => (log ? "log" : "linear");
    const figure = Bokeh.Plotting.figure({
      height: options.height ?? 340,
      sizing_mode: "stretch_width",
      x_axis_type: kind(options.logX),
      y_axis_type: kind(options.logY),
      x_range: new Bokeh.Range1d({ start: options.x[0], end: options.x[1] }),
      y_range: new Bokeh.Range1d({ start: options.y[0], end: options.y[1] }),
      tools: "pan,box_zoom,wheel_zoom,reset,save",
      toolbar_location: "above",
      background_fill_color: null,
      border_fill_color: null,
      outline_line_color: null,
      min_border_right: 18,
    });
    figure.toolbar.logo = null;
    const tool = (name) => figure.toolbar.tools.find((one) => one.type === name);
    figure.toolbar.active_drag = finePointer.matches ? tool("BoxZoomTool") : null; // a finger scrolls the page
    figure.toolbar.active_scroll = null;
    axisStyle(figure.below[0], options.xLabel);
    axisStyle(figure.left[0], options.yLabel);
    if (!options.logX && options.wholeX) figure.below[0].formatter = new Bokeh.NumeralTickFormatter({ format: "0,0" });
    figure.below[0].ticker.desired_num_ticks = isNarrow(host) ? 4 : 6;
    if (options.wholeX) figure.below[0].ticker.min_interval = 1; // halves would be written as whole numbers
    for (const grid of [figure.xgrid, figure.ygrid].flat()) grid.grid_line_color = ink("grid");
    const source = (data) => new Bokeh.ColumnDataSource({ data });
    const bands = source({ xs: [], ys: [], colour: [] });
    const lines = source({ xs: [], ys: [], colour: [], dash: [], width: [] });
    const marks = source({ x: [], y: [], colour: [], fill: [] });
    const whiskers = source({ x0: [], y0: [], x1: [], y1: [], colour: [] });
    const levels = source({ x0: [], y0: [], x1: [], y1: [] });
    const raised = source({ xs: [], ys: [], colour: [] });
    const ring = source({ x: [], y: [] });
    const field = (name) => ({ field: name });
    figure.patches(field("xs"), field("ys"), { source: bands, fill_color: field("colour"), fill_alpha: 0.16, line_color: null });
    figure.segment(field("x0"), field("y0"), field("x1"), field("y1"), { source: levels, line_color: ink("quiet"), line_dash: "dashed", line_width: 1.2 });
    figure.segment(field("x0"), field("y0"), field("x1"), field("y1"), { source: whiskers, line_color: field("colour"), line_alpha: 0.45 });
    const ofLines = figure.multi_line(field("xs"), field("ys"), { source: lines, line_color: field("colour"), line_width: field("width"), line_dash: field("dash"), line_join: "bevel" });
    const ofMarks = figure.scatter(field("x"), field("y"), { source: marks, size: 9, line_color: field("colour"), fill_color: field("fill"), line_width: 1.6 });
    figure.multi_line(field("xs"), field("ys"), { source: raised, line_color: field("colour"), line_width: 4 });
    figure.scatter(field("x"), field("y"), { source: ring, size: 17, fill_color: null, line_color: ink("text"), line_width: 2 });
    const said = (kind) => (_source, found) => {
      const item = last?.[kind][found.index];
      return item ? element("div", { className: "hover" }, ...describe(item, found.x).map((text) => element("div", { textContent: text }))) : null;
    };
    const hovers = [[ofLines, "lines"], [ofMarks, "marks"]].map(([renderer, kind]) =>
      new Bokeh.HoverTool({ renderers: [renderer], tooltips: said(kind), line_policy: "nearest", toggleable: false }),
    );
    figure.add_tools(...hovers);
    parts = { figure, bands, lines, marks, whiskers, levels, raised, ring };
    parts.shown = Bokeh.Plotting.show(figure, host);
  }

  function update(shown) {
    const wanted = JSON.stringify([shown.logX, shown.logY, shown.xLabel, shown.yLabel, scheme(), finePointer.matches]);
    if (wanted !== key) make(shown);
    key = wanted;
    last = shown;
    const { figure, bands, lines, marks, whiskers, levels } = parts;
    for (const [range, bounds] of [[figure.x_range, shown.x], [figure.y_range, shown.y]]) {
      if (range.start !== bounds[0] || range.end !== bounds[1]) range.setv({ start: bounds[0], end: bounds[1], reset_start: bounds[0], reset_end: bounds[1] });
    }
    const banded = shown.lines.filter((line) => line.band);
    put(bands, { xs: banded.map((line) => line.band.x), ys: banded.map((line) => line.band.y), colour: banded.map((line) => line.style.colour) });
    put(lines, {
      xs: shown.lines.map((line) => line.x),
      ys: shown.lines.map((line) => line.y),
      colour: shown.lines.map((line) => line.style.colour),
      dash: shown.lines.map((line) => line.style.dash.join(" ") || "solid"),
      width: shown.lines.map((line) => line.width),
    });
    put(marks, {
      x: shown.marks.map((mark) => mark.x),
      y: shown.marks.map((mark) => mark.y),
      colour: shown.marks.map((mark) => mark.style.colour),
      fill: shown.marks.map((mark) => (mark.done ? mark.style.colour : ink("page"))),
    });
    const errors = shown.marks.flatMap((mark) => mark.errors.map((ends) => [...ends, mark.style.colour]));
    put(whiskers, Object.fromEntries(["x0", "y0", "x1", "y1", "colour"].map((name, at) => [name, errors.map((one) => one[at])])));
    put(levels, Object.fromEntries(["x0", "y0", "x1", "y1"].map((name, at) => [name, shown.levels.map((one) => one[at])])));
    highlight([]);
  }

  // Draw what belongs to some runs above all else.
  function highlight(runs) {
    if (!last) return;
    const of = (items) => items.filter((item) => item.runs.some((run) => runs.includes(run)));
    const lines = of(last.lines), marks = of(last.marks);
    put(parts.raised, { xs: lines.map((line) => line.x), ys: lines.map((line) => line.y), colour: lines.map((line) => line.style.colour) });
    put(parts.ring, { x: marks.map((mark) => mark.x), y: marks.map((mark) => mark.y) });
  }

  return { update, highlight };
}
