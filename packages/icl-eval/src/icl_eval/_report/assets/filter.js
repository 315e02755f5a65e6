// Which runs are meant by what somebody typed.
const plain = (name) => name.trim().toLowerCase().replaceAll("-", "_");
const lastPart = (name) => name.split(".").pop();

const haystacks = report.runs.map((run, number) =>
  [
    run.name,
    run.state,
    run.reason,
    ...report.settings.filter((setting) => setting.varying).map((setting) => `${setting.name}=${setting.values[setting.of_runs[number]]}`),
  ]
    .join("\n")
    .toLowerCase(),
);

const SHORT = { icl: ICL, iwl: IWL };

// {kind, of}: the setting, measure, name, state or step that a name stands for; null if there is none.
function meant(name) {
  const wanted = plain(name);
  if (["run", "name", "state", "step"].includes(wanted)) return { kind: wanted === "run" ? "name" : wanted };
  const exact = report.settings.findIndex((setting) => plain(setting.name) === wanted);
  if (exact >= 0) return { kind: "setting", of: exact };
  const ends = report.settings.flatMap((setting, number) => (plain(lastPart(setting.name)) === wanted ? [number] : []));
  if (ends.length === 1) return { kind: "setting", of: ends[0] };
  if (SHORT[wanted] >= 0) return { kind: "measure", of: SHORT[wanted] };
  const measure = report.measures.findIndex((one) => plain(one.name) === wanted || plain(one.short).replaceAll(" ", "_") === wanted);
  return measure >= 0 ? { kind: "measure", of: measure } : null;
}

function cellOf(run, what) {
  const row = report.runs[run];
  if (what.kind === "setting") {
    const setting = report.settings[what.of];
    const value = setting.of_runs[run];
    return { text: setting.values[value], number: setting.numbers ? setting.numbers[value] : null };
  }
  if (what.kind === "measure") return { text: "", number: reached(row, what.of)?.last ?? null };
  if (what.kind === "step") return { text: String(row.step), number: row.step };
  return { text: what.kind === "state" ? row.state : row.name, number: null };
}

function holds(cell, sign, wanted) {
  const number = wanted.trim() === "" ? NaN : Number(wanted.replaceAll(",", ""));
  const same = cell.text.toLowerCase() === wanted.toLowerCase() || (cell.number !== null && cell.number === number);
  if (sign === "=") return same;
  if (sign === "!=") return !same;
  if (cell.number === null || Number.isNaN(number)) return false;
  return { ">": cell.number > number, "<": cell.number < number, ">=": cell.number >= number, "<=": cell.number <= number }[sign];
}

// Words, but what stands between quotes is one.
function wordsIn(query) {
  return [...query.matchAll(/(?:[^\s"]+|"[^"]*"?)+/g)].map(([word]) => word.replaceAll('"', ""));
}

// {matches: whether each run is meant, unknown: names that nothing has}.
function matching(query) {
  const words = [], equal = new Map(), others = [], unknown = [];
  for (const word of wordsIn(query)) {
    const found = /^([^=<>!]+)(>=|<=|!=|=|>|<)(.*)$/.exec(word);
    const what = found && meant(found[1]);
    if (!found) words.push(word.toLowerCase());
    else if (!what) unknown.push(found[1]);
    else if (found[2] === "=") {
      const key = `${what.kind} ${what.of}`; // one setting may be called by its whole name and by its last part
      equal.set(key, [...(equal.get(key) ?? []), [what, found[3]]]);
    }
    else others.push([what, found[2], found[3]]);
  }
  const matches = report.runs.map((_, run) =>
    words.every((word) => haystacks[run].includes(word)) &&
    [...equal.values()].every((values) => values.some(([what, wanted]) => holds(cellOf(run, what), "=", wanted))) &&
    others.every(([what, sign, wanted]) => holds(cellOf(run, what), sign, wanted)),
  );
  return { matches, unknown };
}
