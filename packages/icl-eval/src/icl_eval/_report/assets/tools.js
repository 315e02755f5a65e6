// BokehJS gives its tools a tooltip alone, and each chart an empty layer that takes the focus: here tools become buttons with
// names, and the layer none. They are in shadow trees, and made anew at any time, so the trees are watched.
const TOOLS = "div[title][tabindex]";
const OVERFLOW = ".bk-tool-overflow"; // what a narrow chart has in place of the last tools
const EMPTY = ".bk-events[tabindex='0']";

function nameTools(host) {
  const watched = new WeakSet();
  const watcher = new MutationObserver(() => look(host));

  function look(root) {
    if (!watched.has(root)) watcher.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "title"] });
    watched.add(root);
    if (root !== host) {
      root.querySelectorAll(TOOLS).forEach(nameTool);
      for (const one of root.querySelectorAll(OVERFLOW)) asButton(one, "More tools");
      for (const one of root.querySelectorAll(EMPTY)) one.tabIndex = -1;
    }
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
  }

  // A button answers to the space bar as well, with which BokehJS opens a menu that these tools do not have.
  host.addEventListener("keydown", (event) => {
    const [tool] = event.composedPath();
    if (event.key !== " " || tool.getAttribute("role") !== "button") return;
    event.preventDefault();
    event.stopPropagation();
    tool.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  }, { capture: true });
  look(host);
}

function nameTool(tool) {
  asButton(tool, tool.title);
  if (tool.matches(".bk-OnOffButton")) tool.ariaPressed = String(tool.matches(".bk-active"));
}

function asButton(one, label) {
  one.role = "button";
  one.ariaLabel = label;
}
