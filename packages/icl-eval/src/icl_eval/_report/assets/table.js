// The table of runs: a row for each, sorted, in groups.
const MOST_USUAL_SETTINGS = 6;

function columnKeys() {
  const settings = report.settings.map((setting, number) => [`setting ${setting.name}`, setting, number]);
  return new Map([
    ["state", { title: "State", number: false, cell: (run) => stateOf(report.runs[run]), hint: (run) => report.runs[run].reason, key: (run) => report.runs[run].state }],
    ["step", { title: "Updates", number: true, cell: (run) => whole(report.runs[run].step), key: (run) => report.runs[run].step }],
    ...report.measures.flatMap((measure, number) => measureColumns(measure, number)),
    ...settings.map(([key, setting]) => [
      key,
      {
        title: setting.short,
        number: Boolean(setting.numbers),
        cell: (run) => setting.values[setting.of_runs[run]],
        key: (run) => setting.of_runs[run],
      },
    ]),
  ]);
}

function measureColumns(measure, number) {
  const of = (run, part) => reached(report.runs[run], number)?.[part] ?? null;
  const column = (title, part) => ({
    title,
    number: true,
    cell: (run) => shownValue(number, of(run, part)),
    hint: (run) => (part === "last" ? shownInterval(number, of(run, "low"), of(run, "high")) : ""),
    key: (run) => of(run, part),
  });
  const made = [[`last ${measure.name}`, column(measure.short, "last")]];
  if (report.runs.some((_, run) => of(run, "peak") !== null)) made.push([`peak ${measure.name}`, column(`${measure.short}, peak`, "peak")]);
  return made;
}

const allColumns = columnKeys();

function usualColumns() {
  const varying = report.settings.filter((setting) => setting.varying && (!setting.derived || setting.name === "classes"));
  const twice = varying.some((setting) => setting.name === "classes") ? ["data.n_rare_classes"] : [];
  const settings = varying.filter((setting) => !twice.includes(setting.name)).slice(0, MOST_USUAL_SETTINGS);
  const measures = [...new Set([...usual.measures, ...shareMeasures.slice(0, 4)])].map((number) => `last ${report.measures[number].name}`);
  return ["state", "step", ...measures.filter((key) => allColumns.has(key)), ...settings.map((setting) => `setting ${setting.name}`)];
}

const chosenColumns = () => (view.columns ?? usualColumns()).filter((key) => allColumns.has(key));

function stateOf(row) {
  if (row.state === "done") return "done";
  return `${row.state}, ${Math.floor((100 * row.step) / Math.max(row.max_steps, 1))}% of ${whole(row.max_steps)}`;
}

let rows = [];

function buildTable(changed) {
  const keys = chosenColumns();
  const heads = ["name", ...keys].map((key) => {
    const title = key === "name" ? "Run" : allColumns.get(key).title;
    const number = key !== "name" && allColumns.get(key).number;
    const button = element("button", { type: "button", textContent: title });
    button.addEventListener("click", () => changed.sorted(key));
    return element("th", { scope: "col", className: number ? "number" : "", "data-key": key }, button);
  });
  const head = element("tr", {}, element("th", { scope: "col", textContent: "Show" }), element("th", { scope: "col", textContent: "Compare" }), ...heads);
  rows = report.runs.map((row, run) => builtRow(row, run, keys, changed));
  byId("table").replaceChildren(element("caption", { className: "quiet", textContent: "Runs with their settings and last values; headings sort" }), element("thead", {}, head));
}

function builtRow(row, run, keys, changed) {
  const box = (name, set, done) => {
    const input = element("input", { type: "checkbox", checked: set.has(run) !== (name === "Show"), "aria-label": `${name} ${row.name}` });
    input.addEventListener("change", () => done(run, input.checked));
    return element("td", { className: "box" }, element("label", {}, input));
  };
  const link = element("a", { href: row.folder, textContent: row.name });
  const cells = keys.map((key) => {
    const column = allColumns.get(key);
    const cell = element("td", { className: column.number ? "number" : "text", textContent: column.cell(run) });
    const hint = column.hint?.(run);
    if (hint) cell.append(element("small", { textContent: hint }));
    return cell;
  });
  const made = element("tr", {}, box("Show", hidden, changed.shown), box("Compare", compared, changed.compared), element("th", { scope: "row" }, link), ...cells);
  made.addEventListener("pointerenter", () => changed.pointed([run]));
  made.addEventListener("pointerleave", () => changed.pointed([]));
  made.addEventListener("focusin", () => changed.pointed([run]));
  made.addEventListener("focusout", () => changed.pointed([]));
  return made;
}

// What is missing comes last, whichever way the others are sorted.
function sortedRuns() {
  const key = view.sort === "name" || !allColumns.has(view.sort) ? (run) => report.runs[run].name : allColumns.get(view.sort).key;
  const words = new Intl.Collator("en", { numeric: true });
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "string" ? words.compare(a, b) : a - b;
    return (view.down ? -order : order) || one - other;
  };
  return report.runs.map((_, run) => run).sort(compare);
}

function orderTable(groups, styles) {
  const table = byId("table");
  for (const head of table.querySelectorAll("th[data-key]")) {
    const sorted = head.dataset.key === view.sort;
    head.setAttribute("aria-sort", sorted ? (view.down ? "descending" : "ascending") : "none");
  }
  const ordered = sortedRuns();
  const bodies = groups.names.map((name, group) => {
    const members = ordered.filter((run) => groups.of[run] === group);
    const body = element("tbody", { "data-group": group });
    if (groups.title) {
      const text = `${groups.title} ${name}`;
      const span = table.tHead.rows[0].cells.length;
      body.append(element("tr", { className: "group" }, element("th", { scope: "rowgroup", colSpan: span }, element("span", {}, swatch(styles[group]), text))));
    }
    body.append(...members.map((run) => rows[run]));
    return body;
  });
  for (const body of [...table.tBodies]) body.remove();
  table.append(...bodies);
}

function filterTable(matches, groups) {
  rows.forEach((row, run) => {
    if (row.hidden === matches[run]) row.hidden = !matches[run];
  });
  for (const body of byId("table").tBodies) {
    const none = !groups.of.some((group, run) => group === Number(body.dataset.group) && matches[run]);
    if (body.hidden !== none) body.hidden = none;
  }
}

function showChoices() {
  rows.forEach((row, run) => {
    const [show, compare] = row.querySelectorAll("input");
    show.checked = !hidden.has(run);
    compare.checked = compared.has(run);
  });
}

function offerColumns(changed) {
  const chosen = new Set(chosenColumns());
  const boxes = [...allColumns].map(([key, column]) => {
    const input = element("input", { type: "checkbox", checked: chosen.has(key) });
    input.addEventListener("change", () => changed(key, input.checked));
    return element("label", { className: "check" }, input, key.startsWith("setting ") ? key.slice(8) : column.title);
  });
  byId("columns").querySelector(".choices").replaceChildren(...boxes);
}
