// What is looked at, and how. It is kept in the page's address, so that a reload or a link shows the same. Settings,
// measures and runs are numbers here and names there: a page that is written again may have more of them.
const ICL = measureNamed("fewshot_holdout");
const IWL = measureNamed("no_support_zipfian");

// The first of some measures that at least half as many runs have recorded as any other, with those of another one.
function mostRecorded(wanted, beside) {
  const together = (one) => report.runs.filter((run) => run.reached[one] && (beside < 0 || run.reached[beside])).length;
  const counts = report.measures.map((measure, number) => (number === beside || !measure.curves.length ? 0 : together(number)));
  const enough = Math.max(...counts) / 2;
  const usable = [...wanted, ...counts.keys()].find((number) => counts[number] > 0 && counts[number] >= enough);
  return usable ?? Math.max(beside, 0);
}

const firstMeasure = mostRecorded([ICL, IWL], -1);
const secondMeasure = mostRecorded([IWL, ICL], firstMeasure);

const usual = {
  query: "",
  group: null, // unless somebody chooses, it is by what tells the runs apart
  sort: "name",
  down: false,
  measures: [firstMeasure, secondMeasure],
  final: [secondMeasure, firstMeasure],
  lines: "means",
  bands: true,
  logX: false,
  logY: false,
  columns: null,
  hidden: [],
  compared: [],
  reload: false,
};

const view = { ...structuredClone(usual), ...fromAddress() }; // a copy: what is chosen goes into its lists

function fromAddress() {
  try {
    const stored = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    const known = Object.entries(stored).filter(([name]) => name in usual).map(([name, value]) => [name, numbered(name, value)]);
    return Object.fromEntries(known.filter(([name, value]) => isUsable(name, value)));
  } catch {
    return {}; // an address of a heading, or one that somebody has cut
  }
}

function isOfMeasures(name) {
  return name === "measures" || name === "final";
}

function numbered(name, value) {
  if (isOfMeasures(name)) return Array.isArray(value) ? value.map(measureNamed) : null;
  if (name !== "group" || value === "condition" || value === "none") return value;
  return report.settings.findIndex((setting) => setting.name === value);
}

function asNames(name, value) {
  if (isOfMeasures(name)) return value.map((one) => report.measures[one].name);
  return name === "group" ? (report.settings[value]?.name ?? value) : value;
}

function isUsable(name, value) {
  const pattern = usual[name];
  if (isOfMeasures(name)) {
    return Array.isArray(value) && value.length === 2 && value.every((one) => report.measures[one]);
  }
  if (name === "columns") return Array.isArray(value) && value.every((one) => typeof one === "string");
  if (name === "group") return value === "condition" || value === "none" || Boolean(report.settings[value]);
  return Array.isArray(pattern) ? Array.isArray(value) : typeof value === typeof pattern;
}

const named = new Map(report.runs.map((run, number) => [run.name, number]));
const hidden = new Set(view.hidden.map((name) => named.get(name)).filter((run) => run !== undefined));
const compared = new Set(view.compared.map((name) => named.get(name)).filter((run) => run !== undefined));

let saving = 0;

function save() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    view.hidden = [...hidden].map((run) => report.runs[run].name);
    view.compared = [...compared].map((run) => report.runs[run].name);
    const changed = Object.entries(view).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]));
    const kept = Object.fromEntries(changed.map(([name, value]) => [name, asNames(name, value)]));
    const text = changed.length ? `#${encodeURIComponent(JSON.stringify(kept))}` : " ";
    history.replaceState(null, "", text === " " ? location.pathname + location.search : text);
  }, 200);
}
