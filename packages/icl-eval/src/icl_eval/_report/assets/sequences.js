// Training sequences as pictures, each kind of data once.
function drawSequences() {
  const host = byId("sequences").querySelector("div");
  if (!report.sequences.length) {
    host.replaceChildren(element("p", { className: "note", textContent: "No sequences." }));
    return;
  }
  host.replaceChildren(...report.sequences.map((one) => {
    const names = one.runs.slice(0, 3).map((run) => report.runs[run].name).join(", ");
    const title = `${names}${one.runs.length > 3 ? ` and ${one.runs.length - 3} more` : ""}`;
    if (one.reason) return element("figure", { className: "sequence" }, element("figcaption", { textContent: `${title}: not drawn, ${one.reason}` }));
    const texts = one.labels.map((labels, row) => spoken(labels, one.classes[row]));
    const image = element("img", { src: one.picture, alt: texts.join(" ") });
    return element("figure", { className: "sequence" }, element("figcaption", { textContent: `First training sequences of ${title}. Frames of one colour are one class; the last example is the query.` }), element("div", { className: "scroll", role: "region", "aria-label": `Sequences of ${title}`, tabIndex: 0 }, image));
  }));
}

function spoken(labels, classes) {
  const context = labels.slice(0, -1).map((label, at) => `class ${classes[at]} label ${label}`).join(", ");
  return `Context: ${context}; query: class ${classes.at(-1)}, target ${labels.at(-1)}.`;
}
