// Learning curves: two measures side by side.
const MOST_BANDS = 12; // more of them cover each other
const MOST_DASHES = 60; // dashes take long to draw
const DRAWN_POINTS = 3000; // of all lines of a chart together: it is some hundred pixels wide, and drawn anew at each key
const MOST_POINTS = 300; // of a line: a point for each two pixels
const MOST_LEVELS = 3;
const NO_RUN = "no run is chosen";

const nearestAt = (steps, step) => {
  let best = 0;
  for (let at = 1; at < steps.length; at += 1) if (Math.abs(steps[at] - step) < Math.abs(steps[best] - step)) best = at;
  return best;
};

function saidOfLine(measure) {
  return (line, x) => {
    const at = nearestAt(line.steps, x);
    const interval = line.low ? ` (${shownInterval(measure, line.low[at], line.high[at])})` : "";
    const names = line.runs.slice(0, 4).map((run) => report.runs[run].name);
    const more = line.runs.length > 4 ? [`and ${line.runs.length - 4} more`] : [];
    return [
      `${report.measures[measure].short} ${shownValue(measure, line.value[at])}${interval}`,
      `after ${whole(line.steps[at])} updates${line.runs.length > 1 ? `, mean of ${line.runs.length} seeds (least to greatest)` : ""}`,
      line.groupName,
      ...names,
      ...more,
    ];
  };
}

const charts = [0, 1].map((side) => chart(byId(`chart-${side}`), (line, x) => saidOfLine(view.measures[side])(line, x)));

// Every so-manieth point and the last one, without what a scale of logarithms has no place for.
function thinned(line, most, usable) {
  const stride = Math.max(1, Math.ceil(line.steps.length / most));
  const kept = [];
  for (let at = 0; at < line.steps.length; at += 1) {
    if ((at % stride === 0 || at === line.steps.length - 1) && usable(line.steps[at], line.value[at])) kept.push(at);
  }
  return { kept, stride };
}

function bandOf(line, kept, usable) {
  const there = kept.filter((at) => usable(line.steps[at], line.low[at]) && usable(line.steps[at], line.high[at]));
  const back = [...there].reverse();
  const x = [...there, ...back].map((at) => line.steps[at]);
  return { x, y: [...there.map((at) => line.high[at]), ...back.map((at) => line.low[at])] };
}

const longest = report.runs.reduce((most, run) => Math.max(most, run.step), 1); // updates that an axis without lines has

function drawCurves(side, runs, groups, styles) {
  const measure = view.measures[side], { logX, logY } = view;
  const usable = (step, value) => Number.isFinite(value) && (!logX || step > 0) && (!logY || value > 0);
  const found = linesOf(measure, runs, groups, view.lines);
  const most = Math.min(Math.max(Math.floor(DRAWN_POINTS / Math.max(found.length, 1)), 60), MOST_POINTS);
  const withBands = view.bands && found.length <= MOST_BANDS;
  let strides = 1;
  const lines = found.map((line) => {
    const { kept, stride } = thinned(line, most, usable);
    strides = Math.max(strides, stride);
    return {
      ...line,
      x: kept.map((at) => line.steps[at]),
      y: kept.map((at) => line.value[at]),
      style: found.length > MOST_DASHES ? { ...styles[line.group], dash: [] } : styles[line.group],
      width: found.length > MOST_BANDS ? 1.2 : 2.2,
      band: withBands && line.low ? bandOf(line, kept, usable) : null,
      groupName: groups.title ? `${groups.title} ${groups.names[line.group]}`.trim() : "",
    };
  });
  const guessing = chances(measure, runs);
  const x = bounds(lines.length ? lines.flatMap((line) => [line.x[0], line.x.at(-1)]) : [logX ? 1 : 0, longest], logX, 0);
  const y = valueBounds(measure, lines, logY);
  const levels = guessing.length <= MOST_LEVELS ? guessing.filter((value) => !logY || value > 0).map((value) => [x[0], value, x[1], value]) : [];
  const { short } = report.measures[measure];
  charts[side].update({ lines, marks: [], levels, x, y, logX, logY, wholeX: true, xLabel: "updates", yLabel: axisLabel(measure, byId(`chart-${side}`)) });
  byId(`caption-${side}`).textContent = lines.length
    ? `${short}: ${plural(lines.length, "line")} of ${plural(runs.filter((run) => curvesOf(measure)[run]).length, "run")}` +
      (levels.length ? `; dashed: guessing (${guessing.map((value) => value.toPrecision(2)).join(", ")})` : "")
    : `${short}: ${runs.length ? "none of these runs has recorded it" : NO_RUN}`;
  return { lines, strides, bands: withBands };
}

// What a measure is called on an axis: in few words where there is little room.
function axisLabel(measure, host) {
  const { label, short } = report.measures[measure];
  return label.length > 48 || isNarrow(host) ? short : label;
}

function bounds(values, log, least) {
  const known = values.filter((value) => Number.isFinite(value));
  if (!known.length) return log ? [1, 10] : [0, 1];
  const low = known.reduce((one, other) => Math.min(one, other)), high = known.reduce((one, other) => Math.max(one, other));
  if (log) return [low / 1.1, Math.max(high * 1.1, low * 2)];
  const room = (high - low || Math.abs(high) || 1) * 0.02;
  return [Math.min(low, least ?? low) - room, high + room];
}

function valueBounds(measure, lines, log) {
  if (report.measures[measure].share && !log) return [-0.02, 1.02];
  const known = lines.flatMap((line) => line.y);
  const [low, high] = bounds(known, log, null);
  const room = log ? 0 : (high - low) * 0.04;
  return [low - room, high + room];
}

function noteOfCurves(drawn, groups) {
  const said = [];
  if (view.lines === "means") said.push("A line is the mean of runs that differ in their seeds alone; unfinished runs are lines of their own.");
  const banded = drawn.some((one) => one.bands && one.lines.some((line) => line.band));
  if (banded) said.push("Bands: least to greatest of several seeds, 95% interval (Wilson) of a single run.");
  if (groups.names.length > 1 && drawn.some((one) => one.lines.length > MOST_DASHES)) said.push(`More than ${MOST_DASHES} lines have no dashes: filter, and they are as in the legend.`);
  const stride = Math.max(...drawn.map((one) => one.strides));
  if (stride > 1) said.push(`Long curves, and those of many lines, are drawn with one evaluation in ${stride}; the CSV file has all.`);
  if (view.logX) said.push("Update 0 has no place on a scale of logarithms.");
  if (groups.names.length > NAMED.light.length && !groups.ordered) said.push("More groups than colours: these come again, with other dashes.");
  byId("curves-note").textContent = said.join(" ");
  const many = ["left", "right"].filter((_, side) => drawn[side].lines.length > MOST_BANDS);
  byId("bands-why").textContent = `none${many.length === 1 ? ` on the ${many[0]}` : ""} of more than ${MOST_BANDS} lines: filter, and they appear`;
  byId("bands-why").hidden = !many.length;
}
