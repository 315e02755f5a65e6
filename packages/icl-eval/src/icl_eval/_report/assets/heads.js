// Scores of attention heads: a grid of layers and heads for each measure.

function drawHeads() {
  const host = byId("heads").querySelector("div");
  if (!report.heads.length) {
    host.replaceChildren(element("p", { className: "note" }, "No run has scores of its heads: ", element("code", { textContent: "icl-eval heads RUN" }), " measures them."));
    return;
  }
  const select = element("select", { id: "heads-run" });
  fill(select, report.heads.map((one, number) => [number, report.runs[one.run].name]), 0);
  const field = element("div", { className: "field" }, element("label", { htmlFor: "heads-run", textContent: "Run" }), select);
  const shown = element("div");
  host.replaceChildren(field, shown);
  const draw = () => shown.replaceChildren(...headGrids(report.heads[Number(select.value)]));
  select.addEventListener("change", draw);
  draw();
}

function headGrids(one) {
  const last = one.steps.at(-1);
  const bare = one.bare ? ", without the run's interventions" : "";
  const note = element("p", { className: "note", textContent: `On ${one.split}, after ${whole(last)} updates${bare}; intervals are in heads.csv.${one.steps.length > 1 ? ` ${one.steps.length} checkpoints: each cell has the value at the first of them below.` : ""}` });
  const grids = Object.values(one.measures).map((measure) => {
    const table = element("table", { className: "heat" }, element("caption", { textContent: measure.label }));
    const head = element("tr", {}, element("th", { scope: "col", textContent: "Layer" }), ...Array.from({ length: one.heads }, (_, number) => element("th", { scope: "col", textContent: `Head ${number}` })));
    const finals = measure.values.map((values) => values.at(-1));
    const greatest = Math.max(...finals.map((value) => Math.abs(value ?? 0)), 1e-12);
    const body = Array.from({ length: one.layers }, (_, layer) =>
      element("tr", {}, element("th", { scope: "row", textContent: String(layer) }), ...Array.from({ length: one.heads }, (_, number) => headCell(measure, layer * one.heads + number, greatest, one.steps.length))),
    );
    table.append(element("thead", {}, head), element("tbody", {}, ...body));
    const reference = measure.reference === null ? "" : `Attending to all tokens alike gives ${minus(measure.reference.toFixed(3))}.`;
    return element("div", { className: "grid" }, element("div", { className: "scroll", role: "region", "aria-label": measure.label, tabIndex: 0 }, table), element("p", { className: "note", textContent: reference }));
  });
  return [note, element("div", { className: "grids" }, ...grids)];
}

function headCell(measure, head, greatest, steps) {
  const value = measure.values[head].at(-1);
  if (value === null) return element("td", { textContent: "" });
  const strength = Math.min(Math.abs(value) / greatest, 1);
  const cell = element("td", { className: value < 0 ? "negative" : "positive", textContent: minus(value.toFixed(2)) });
  cell.style.setProperty("--strength", `${Math.round(strength * 55)}%`);
  const first = measure.values[head][0];
  if (steps > 1 && first !== null) cell.append(element("small", { textContent: minus(first.toFixed(2)) }));
  return cell;
}
