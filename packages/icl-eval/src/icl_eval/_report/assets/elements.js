// Parts of the page. Text goes in as text; nothing here reads markup.
const byId = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "list" && name !== "style") made[name] = value;
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function fill(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, text]) => element("option", { value: String(value), textContent: text })),
  );
  select.value = String(chosen);
  titled(select);
}

// A narrow page cuts what a list shows: the whole of it is its tooltip.
function titled(select) {
  select.title = select.selectedOptions[0]?.textContent ?? "";
}

const minus = (text) => text.replace("-", "\u2212");
const whole = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

function shownValue(measure, value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (report.measures[measure].share) return value.toFixed(3);
  return minus(Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(2) : value.toPrecision(4));
}

function shownInterval(measure, low, high) {
  if (low === null || low === undefined || Number.isNaN(low)) return "";
  return `${shownValue(measure, low)}-${shownValue(measure, high)}`;
}

// A mark beside a name: the line that a group is drawn with.
function swatch(style) {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ width: 26, height: 10, "aria-hidden": "true" })) mark.setAttribute(name, value);
  const drawn = { x1: 1, x2: 25, y1: 5, y2: 5, stroke: style.colour, "stroke-width": 3, "stroke-dasharray": style.dash.join(" ") };
  for (const [name, value] of Object.entries(drawn)) line.setAttribute(name, value);
  mark.append(line);
  return mark;
}
