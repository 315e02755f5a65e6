// The first numbers of the page: how many of the runs learn in which way.
// With a thousand sequences hardly any value is not above guessing: learnt is what is above it by a size that matters.
const LEARNT = 0.1; // of the way from guessing to 1
const RULE = "at least a tenth of the way from guessing to 1, and its 95% interval above guessing";

function learns(run, measure) {
  const one = reached(report.runs[run], measure);
  if (!one || !Number.isFinite(one.low) || !Number.isFinite(one.chance)) return false;
  return one.low > one.chance && one.last - one.chance >= LEARNT * (1 - one.chance);
}

function drawCards(runs) {
  const cards = [["Runs", whole(runs.length), runs.length === report.runs.length ? "all of them" : `of ${whole(report.runs.length)}`]];
  const unfinished = runs.filter((run) => !isDone(report.runs[run])).length;
  cards.push(["Finished", whole(runs.length - unfinished), unfinished ? `${whole(unfinished)} not yet` : "every one"]);
  const two = [ICL, IWL].filter((measure) => measure >= 0);
  const measures = new Set(two.length === 2 ? two : view.measures.filter((measure) => report.measures[measure]?.share));
  for (const measure of measures) {
    const { short } = report.measures[measure];
    const there = runs.filter((run) => reached(report.runs[run], measure));
    const title = measure === ICL ? "Learn in context" : measure === IWL ? "Learn in weights" : short;
    const count = there.filter((run) => learns(run, measure)).length;
    cards.push([title, whole(count), `of ${whole(there.length)}: last ${short} well above guessing`, `The last ${short} is ${RULE}`]);
  }
  const both = runs.filter((run) => two.every((measure) => learns(run, measure))).length;
  if (two.length === 2) cards.push(["Learn in both ways", whole(both), "at the last evaluation", `The last ICL and the last IWL are each ${RULE}`]);
  byId("cards").replaceChildren(...cards.map(([dt, number, told, title = ""]) => element("div", { title }, element("dt", { textContent: dt }), element("dd", {}, element("strong", { textContent: number }), ` ${told}`))));
  byId("cards-note").textContent = measures.size ? `Well above guessing: ${RULE}.` : "";
}
