// The last value of one measure against that of another, a mark for each run.
const MOST_WHISKERS = 80;

const finalChart = chart(byId("chart-final"), (mark) => {
  const row = report.runs[mark.runs[0]];
  const told = view.final.map((measure) => {
    const one = reached(row, measure);
    const interval = shownInterval(measure, one.low, one.high);
    return `${report.measures[measure].short} ${shownValue(measure, one.last)}${interval ? ` (${interval})` : ""}`;
  });
  return [row.name, ...told, mark.groupName, row.state === "done" ? "" : `${row.state}, ${whole(row.step)} of ${whole(row.max_steps)} updates`].filter(Boolean);
});

function drawFinal(runs, groups, styles) {
  const [across, up] = view.final;
  const there = runs.filter((run) => reached(report.runs[run], across) && reached(report.runs[run], up));
  const marks = there.map((run) => {
    const [x, y] = view.final.map((measure) => reached(report.runs[run], measure));
    const errors = [];
    if (there.length <= MOST_WHISKERS && x.low !== undefined && x.low !== null) errors.push([x.low, y.last, x.high, y.last]);
    if (there.length <= MOST_WHISKERS && y.low !== undefined && y.low !== null) errors.push([x.last, y.low, x.last, y.high]);
    return { runs: [run], x: x.last, y: y.last, errors, style: styles[groups.of[run]], done: isDone(report.runs[run]), groupName: groups.title ? `${groups.title} ${groups.names[groups.of[run]]}` : "" };
  });
  const [x, y] = [0, 1].map((axis) => {
    const share = report.measures[view.final[axis]].share;
    const low = share ? [-0.03, 1.03] : bounds(marks.map((mark) => (axis ? mark.y : mark.x)), false, null);
    const room = share ? 0 : (low[1] - low[0]) * 0.05;
    return [low[0] - room, low[1] + room];
  });
  const guessing = view.final.map((measure) => chances(measure, there)).map((known) => (known.length <= MOST_LEVELS ? known : []));
  const levels = [...guessing[0].map((value) => [value, y[0], value, y[1]]), ...guessing[1].map((value) => [x[0], value, x[1], value])];
  const label = (measure) => `${axisLabel(measure, byId("chart-final"))}, last`;
  finalChart.update({ lines: [], marks, levels, x, y, logX: false, logY: false, wholeX: false, height: 420, xLabel: label(across), yLabel: label(up) });
  const open = marks.some((mark) => !mark.done) ? "; open marks: not finished" : "";
  byId("caption-final").textContent = marks.length
    ? `${plural(marks.length, "run")} at the last evaluation${open}${levels.length ? "; dashed: guessing" : ""}`
    : runs.length ? "None of these runs has recorded both" : "No run is chosen";
}
