// The settings in which the chosen runs differ: a column for each run, or for many runs how many have each value.
const MOST_SIDE_BY_SIDE = 8;

function drawDifferences(runs) {
  const chosen = compared.size ? [...compared].sort((one, other) => one - other) : runs;
  const differing = report.settings.filter((setting) => !setting.derived && new Set(chosen.map((run) => setting.of_runs[run])).size > 1);
  byId("differences-note").textContent = compared.size
    ? `${plural(chosen.length, "run")} chosen by “Compare” in the table: ${plural(differing.length, "setting")} ${differing.length === 1 ? "differs" : "differ"}.`
    : `The ${plural(chosen.length, "run")} shown: ${plural(differing.length, "setting")} ${differing.length === 1 ? "differs" : "differ"}. “Compare” in the table chooses runs.`;
  const side = chosen.length <= MOST_SIDE_BY_SIDE;
  const titles = side ? chosen.map((run) => report.runs[run].name) : ["Values, and how many of these runs have each"];
  const head = element("tr", {}, ...["Setting", ...titles].map((title) => element("th", { scope: "col", textContent: title })));
  const body = differing.map((setting) => {
    const cells = side ? chosen.map((run) => setting.values[setting.of_runs[run]]) : [counted(setting, chosen)];
    return element("tr", {}, element("th", { scope: "row", textContent: setting.name }), ...cells.map((text) => element("td", { textContent: text })));
  });
  byId("differing").replaceChildren(element("caption", { className: "quiet", textContent: "Settings that differ" }), element("thead", {}, head), element("tbody", {}, ...body));
  byId("differing").hidden = !differing.length;
}

function counted(setting, runs) {
  const counts = new Map();
  for (const run of runs) counts.set(setting.of_runs[run], (counts.get(setting.of_runs[run]) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one - other).map(([value, count]) => `${setting.values[value]} (${count})`).join(", ");
}

function listAlike() {
  const alike = report.settings.filter((setting) => !setting.varying && !setting.derived && report.runs.length);
  byId("alike").querySelector("dl").replaceChildren(
    ...alike.flatMap((setting) => [element("dt", { textContent: setting.name }), element("dd", { textContent: setting.values[setting.of_runs[0]] })]),
  );
  byId("alike").hidden = !alike.length;
}

// The first answer to "what are these runs": the settings that differ, and their values.
function listVarying() {
  const varying = report.settings.filter((setting) => setting.varying && !setting.derived);
  const items = varying.slice(0, 12).map((setting) => {
    const many = setting.values.length > 8;
    const values = many ? [...setting.values.slice(0, 4), "…", setting.values.at(-1)] : setting.values;
    return [element("dt", { textContent: setting.name }), element("dd", { textContent: `${values.join(", ")}${many ? ` (${setting.values.length} values)` : ""}` })];
  });
  const more = varying.length > 12 ? ` The first 12 of ${varying.length}; all are under “What differs”.` : "";
  const told = varying.length ? `They differ in ${plural(varying.length, "setting")}.${more}` : "They do not differ in any setting.";
  const list = element("details", { className: "varying", open: items.length > 0 && items.length <= 6 }, element("summary", { textContent: told }), element("dl", {}, ...items.flat()));
  byId("varying").replaceChildren(varying.length ? list : element("p", { textContent: told }));
}
