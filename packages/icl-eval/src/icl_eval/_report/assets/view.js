// What is looked at, and how. It is kept in the page's address, so that a reload or a link shows the same.
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
  group: null,
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
    const known = Object.entries(stored).filter(([name, value]) => name in usual && isUsable(name, value));
    return Object.fromEntries(known);
  } catch {
    return {}; // an address of a heading, or one that somebody has cut
  }
}

function isUsable(name, value) {
  const pattern = usual[name];
  if (name === "measures" || name === "final") {
    return Array.isArray(value) && value.length === 2 && value.every((one) => report.measures[one]);
  }
  if (name === "columns") return Array.isArray(value) && value.every((one) => typeof one === "string");
  if (name === "group") return value === "condition" || value === "none" || Boolean(report.settings[value]);
  return Array.isArray(pattern) ? Array.isArray(value) : typeof value === typeof pattern;
}

// Runs are kept by name: a page that is written again may have more of them.
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
    const text = changed.length ? `#${encodeURIComponent(JSON.stringify(Object.fromEntries(changed)))}` : " ";
    history.replaceState(null, "", text === " " ? location.pathname + location.search : text);
  }, 200);
}
