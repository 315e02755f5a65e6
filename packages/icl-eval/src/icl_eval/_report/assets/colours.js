// Colours that colour-blind readers tell apart, each at least 3 to 1 against the page; groups differ in dashes, too.
const dark = matchMedia("(prefers-color-scheme: dark)");

const NAMED = {
  light: ["#0068a8", "#c64e00", "#00805c", "#a6447e", "#7a5d00", "#2b8ccb", "#6a4fb3", "#5c5c5c"],
  dark: ["#6cbcf0", "#f0a04b", "#3fd0a4", "#ee9cc9", "#e8d95a", "#4a90d9", "#b29cf0", "#b8b8b8"],
};
// Viridis, without the end that is too near the page's own colour.
const ORDERED = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"];
const RANGE = { light: [0, 0.57], dark: [0.42, 1] };
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2]];

const scheme = () => (dark.matches ? "dark" : "light");
const inks = new Map();

// A colour of the page's style.
function ink(name) {
  const key = `${scheme()} ${name}`;
  if (!inks.has(key)) inks.set(key, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return inks.get(key);
}

function between(position) {
  const place = Math.min(Math.max(position, 0), 1) * (ORDERED.length - 1);
  const low = Math.min(Math.floor(place), ORDERED.length - 2);
  const parts = [low, low + 1].map((at) => [1, 3, 5].map((start) => parseInt(ORDERED[at].slice(start, start + 2), 16)));
  const mixed = parts[0].map((value, channel) => Math.round(value + (parts[1][channel] - value) * (place - low)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

// Colour and dash of each of some groups; numbers have colours in their order.
function stylesOf(count, ordered) {
  const [from, to] = RANGE[scheme()];
  return Array.from({ length: count }, (_, number) => ({
    colour:
      ordered && count > 2
        ? between(from + ((to - from) * number) / (count - 1))
        : NAMED[scheme()][number % NAMED.light.length],
    dash: DASHES[(ordered ? number : number % DASHES.length) % DASHES.length],
  }));
}
