// What happens when somebody does something.
const firstGroup = tellingSetting();
const chosenGroup = () => view.group ?? firstGroup;
let groups = grouping(chosenGroup());
let styles = stylesOf(groups.names.length, groups.ordered);
let found = matching(view.query);

const shownRuns = () => report.runs.map((_, run) => run).filter((run) => found.matches[run] && !hidden.has(run));

function drawAll() {
  const runs = shownRuns();
  const drawn = [0, 1].map((side) => drawCurves(side, runs, groups, styles));
  noteOfCurves(drawn, groups);
  drawFinal(runs, groups, styles);
  drawDifferences(runs);
  drawCards(runs);
  drawLegend();
  const count = found.matches.filter(Boolean).length;
  const unknown = found.unknown.length ? ` Nothing is called ${found.unknown.join(", ")}.` : "";
  byId("filter-count").textContent = `${whole(runs.length)} of ${plural(report.runs.length, "run")} shown${count > runs.length ? `, ${count - runs.length} switched off` : ""}.${unknown}`;
  save();
}

function drawLegend() {
  const matched = report.runs.map((_, run) => run).filter((run) => found.matches[run]);
  const items = groups.names.map((name, group) => {
    const members = matched.filter((run) => groups.of[run] === group);
    if (!members.length) return null;
    const on = members.some((run) => !hidden.has(run));
    const button = element("button", { type: "button", className: "key", "data-group": group, "aria-pressed": String(on) }, swatch(styles[group]), element("span", { textContent: name }), element("small", { textContent: whole(members.length) }));
    button.addEventListener("click", () => {
      for (const run of members) on ? hidden.add(run) : hidden.delete(run);
      showChoices();
      drawAll();
      byId("legend").querySelector(`[data-group="${group}"]`)?.focus();
    });
    for (const [event, runs] of [["pointerenter", members], ["pointerleave", []], ["focus", members], ["blur", []]]) button.addEventListener(event, () => point(runs));
    return button;
  }).filter(Boolean);
  const title = element("span", { className: "legend-title", textContent: groups.title ? `${groups.title}:` : "" });
  byId("legend").replaceChildren(title, ...items);
}

function point(runs) {
  for (const one of [...charts, finalChart]) one.highlight(runs);
}

const table = {
  sorted(key) {
    view.down = view.sort === key ? !view.down : false;
    view.sort = key;
    orderTable(groups, styles);
    filterTable(found.matches, groups);
    save();
  },
  shown(run, on) {
    on ? hidden.delete(run) : hidden.add(run);
    drawAll();
  },
  compared(run, on) {
    on ? compared.add(run) : compared.delete(run);
    drawDifferences(shownRuns());
    save();
  },
  pointed: point,
};

function refilter() {
  found = matching(view.query);
  filterTable(found.matches, groups);
  drawAll();
}

function regroup() {
  groups = grouping(chosenGroup());
  styles = stylesOf(groups.names.length, groups.ordered);
  orderTable(groups, styles);
  refilter();
}

function rebuildTable() {
  buildTable(table);
  orderTable(groups, styles);
  filterTable(found.matches, groups);
}

function offerControls() {
  const varying = report.settings.map((setting, number) => [number, setting]).filter(([, setting]) => setting.varying);
  const settings = varying.map(([number, setting]) => [number, setting.name]);
  const measures = report.measures.map((measure, number) => [number, measure.label]).filter(([number]) => report.measures[number].curves.length);
  fill(byId("group"), [["none", "nothing"], ["condition", "all settings but seeds"], ...settings], chosenGroup());
  fill(byId("setting"), [["", "any"], ...settings, ["state", "state"]], "");
  [0, 1].forEach((side) => fill(byId(`measure-${side}`), measures, view.measures[side]));
  ["x", "y"].forEach((axis, side) => fill(byId(`final-${axis}`), report.measures.map((measure, number) => [number, measure.label]), view.final[side]));
  byId("filter").value = view.query;
  byId("lines").value = view.lines;
  for (const [id, name] of [["bands", "bands"], ["log-x", "logX"], ["log-y", "logY"]]) byId(id).checked = view[name];
}

function offerValues() {
  const chosen = byId("setting").value;
  const values = chosen === "state" ? [...new Set(report.runs.map((run) => run.state))].sort() : report.settings[chosen]?.values ?? [];
  fill(byId("value"), [["", "any"], ...values.map((value) => [value, value])], "");
  byId("value").disabled = !chosen;
}

function listen() {
  const on = (id, event, done) => byId(id).addEventListener(event, () => done(byId(id)));
  on("filter", "input", (input) => { view.query = input.value; refilter(); });
  on("group", "change", (select) => { view.group = report.settings[select.value] ? Number(select.value) : select.value; regroup(); });
  on("setting", "change", offerValues);
  on("value", "change", (select) => {
    if (!select.value) return;
    const name = byId("setting").value === "state" ? "state" : report.settings[byId("setting").value].name;
    const word = `${name}=${/\s/.test(select.value) ? `"${select.value}"` : select.value}`;
    view.query = `${view.query} ${word}`.trim();
    byId("filter").value = view.query;
    refilter();
  });
  on("reset", "click", () => {
    view.query = byId("filter").value = "";
    hidden.clear();
    showChoices();
    refilter();
  });
  [0, 1].forEach((side) => {
    on(`measure-${side}`, "change", (select) => { view.measures[side] = Number(select.value); drawAll(); });
    on(`final-${"xy"[side]}`, "change", (select) => { view.final[side] = Number(select.value); drawAll(); });
  });
  on("lines", "change", (select) => { view.lines = select.value; drawAll(); });
  for (const [id, name] of [["bands", "bands"], ["log-x", "logX"], ["log-y", "logY"]]) on(id, "change", (box) => { view[name] = box.checked; drawAll(); });
  document.addEventListener("change", ({ target }) => { if (target.matches("select")) titled(target); });
  dark.addEventListener("change", regroup);
}

function tellStates() {
  const told = Object.entries(report.states).map(([state, count]) => `${whole(count)} ${state}`);
  byId("about").textContent = report.about ?? "";
  byId("about").hidden = !report.about;
  byId("states").textContent = `Runs below ${report.roots.join(", ")}: ${told.join(", ") || "none"}.`;
  if (report.watched === null) return;
  const box = element("input", { type: "checkbox", checked: view.reload });
  box.addEventListener("change", () => { view.reload = box.checked; save(); });
  setInterval(() => { if (view.reload) location.reload(); }, report.watched * 1000);
  byId("watched").replaceChildren(element("label", { className: "check" }, box, `Load it again every ${plural(report.watched, "second")}, as it is written anew`));
  byId("watched").hidden = false;
}

function changeColumns(key, on) {
  const others = chosenColumns().filter((one) => one !== key);
  view.columns = on ? [...others, key] : others;
  rebuildTable();
  save();
}

tellStates();
listFiles();
if (report.runs.length) {
  offerControls();
  offerColumns(changeColumns);
  listVarying();
  listAlike();
  rebuildTable();
  drawAll();
  drawHeads();
  drawSequences();
  listen();
} else {
  for (const part of document.querySelectorAll("main > :not(#files)")) part.hidden = true;
}
document.documentElement.dataset.ready = "yes";
