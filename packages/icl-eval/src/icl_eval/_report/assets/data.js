// What the page is about, as Python has written it: text in it is safe to show, and shown as text alone.
const report = JSON.parse(document.getElementById("data").textContent);

function numbers(base64, Kind) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

const grids = report.grids.map((steps) => numbers(steps, Int32Array));

// Each run's curve of a measure: {steps, value, low, high}; decoded when a measure is first wanted.
const decoded = new Map();

function curvesOf(measure) {
  if (decoded.has(measure)) return decoded.get(measure);
  const packed = report.measures[measure];
  const parts = { value: packed.values, low: packed.low, high: packed.high };
  const all = Object.fromEntries(
    Object.entries(parts).map(([name, text]) => [name, text ? numbers(text, Float32Array) : null]),
  );
  const curves = new Array(report.runs.length).fill(null);
  for (const [run, grid, offset] of packed.curves) {
    const steps = grids[grid];
    const part = (name) => (all[name] ? all[name].subarray(offset, offset + steps.length) : null);
    curves[run] = { steps, grid, value: part("value"), low: part("low"), high: part("high") };
  }
  decoded.set(measure, curves);
  return curves;
}

const isDone = (run) => run.state === "done";
const reached = (run, measure) => run.reached[measure] ?? null;
const measureNamed = (name) => report.measures.findIndex((measure) => measure.name === name);
const shareMeasures = report.measures.map((measure, number) => number).filter((number) => !report.measures[number].name.includes("/"));
