// The files beside the page, and folders that are not in it.
function listFiles() {
  byId("linked").replaceChildren(...report.files.map((file) => element("li", {}, element("a", { href: file.address, textContent: file.name }), `: ${file.says}`)));
  const lists = [
    ["skipped", report.skipped, (count) => `${plural(count, "folder or file is", "folders and files are")} not in this page`],
    ["notes", report.notes, () => "Notes"],
  ];
  for (const [id, lines, title] of lists) {
    if (!lines.length) continue;
    const list = element("ul", { className: "lines" }, ...lines.map((line) => element("li", { textContent: line })));
    byId(id).replaceChildren(element("details", { open: lines.length <= 8 }, element("summary", { textContent: title(lines.length) }), list));
  }
}
