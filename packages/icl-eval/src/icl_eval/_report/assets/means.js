// Lines of a measure: runs that differ in their seeds alone are averaged, and nothing else is.
const conditionName = (run) => {
  const told = report.settings.filter((setting) => setting.varying && !setting.seed && !setting.derived);
  const number = named.get(run.name);
  return told.map((setting) => `${setting.short} ${setting.values[setting.of_runs[number]]}`).join(", ") || "all runs";
};

// {names, of: the group of each run, ordered: whether groups are numbers}; groups are those that some run has.
function grouping(key) {
  if (key === "none") return { names: ["all runs"], of: report.runs.map(() => 0), ordered: false, title: "" };
  const setting = key === "condition" ? null : report.settings[key];
  const raw = setting ? setting.of_runs : report.runs.map((run) => run.condition);
  const known = [...new Set(raw)].sort((one, other) => one - other);
  const names = setting
    ? known.map((value) => setting.values[value])
    : known.map((value) => conditionName(report.runs.find((run) => run.condition === value)));
  const ordered = Boolean(setting?.numbers) && known.every((value) => setting.numbers[value] !== null);
  return { names, of: raw.map((value) => known.indexOf(value)), ordered, title: setting ? setting.short : "settings" };
}

// The setting by whose values the runs' final values differ most, of those with few values: what to colour by at first.
function tellingSetting() {
  const few = (seeds) => report.settings.flatMap((setting, number) =>
    setting.varying && setting.seed === seeds && new Set(setting.of_runs).size <= 12 ? [number] : [],
  );
  const candidates = few(false).length ? few(false) : few(true);
  const explained = (number) => {
    const shares = usual.measures.map((measure) => {
      const values = report.runs.map((run) => reached(run, measure)?.last ?? null);
      const places = values.flatMap((value, run) => (value === null ? [] : [run]));
      const mean = (runs) => runs.reduce((sum, run) => sum + values[run], 0) / runs.length;
      const all = mean(places);
      const total = places.reduce((sum, run) => sum + (values[run] - all) ** 2, 0);
      const groups = Map.groupBy(places, (run) => report.settings[number].of_runs[run]);
      const of_groups = [...groups.values()].reduce((sum, runs) => sum + runs.length * (mean(runs) - all) ** 2, 0);
      // Many values explain much by themselves: each group costs a degree of freedom.
      const free = Math.max(places.length - groups.size, 1);
      return total > 0 ? 1 - ((total - of_groups) / free) / (total / Math.max(places.length - 1, 1)) : 0;
    });
    return shares.reduce((sum, share) => sum + share, 0);
  };
  if (!candidates.length) return "none";
  const scores = candidates.map(explained);
  return candidates[scores.indexOf(Math.max(...scores))];
}

// Lines {runs, steps, value, low, high, group, done}; an unfinished run is always a line of its own.
function linesOf(measure, runs, groups, mode) {
  const curves = curvesOf(measure);
  const there = runs.filter((run) => curves[run]);
  const alone = (run) => ({ runs: [run], ...curves[run], group: groups.of[run], done: isDone(report.runs[run]) });
  if (mode === "runs") return there.map(alone);
  const together = Map.groupBy(
    there,
    (run) => `${groups.of[run]} ${isDone(report.runs[run]) ? report.runs[run].condition : `alone ${run}`}`,
  );
  return [...together.values()].map((members) =>
    members.length === 1 ? alone(members[0]) : { runs: members, ...averaged(members.map((run) => curves[run])), group: groups.of[members[0]], done: true },
  );
}

// Mean of curves, and the least and the greatest, at the steps that all of them have.
function averaged(curves) {
  const alike = curves.every((curve) => curve.grid === curves[0].grid);
  const places = alike ? null : curves.map((curve) => new Map(Array.from(curve.steps, (step, at) => [step, at])));
  const steps = alike ? curves[0].steps : curves[0].steps.filter((step) => places.every((of) => of.has(step)));
  const value = new Float32Array(steps.length), low = new Float32Array(steps.length), high = new Float32Array(steps.length);
  for (let at = 0; at < steps.length; at += 1) {
    let sum = 0, least = Infinity, greatest = -Infinity;
    for (let number = 0; number < curves.length; number += 1) {
      const one = curves[number].value[alike ? at : places[number].get(steps[at])];
      sum += one;
      if (one < least) least = one;
      if (one > greatest) greatest = one;
    }
    value[at] = sum / curves.length;
    low[at] = least;
    high[at] = greatest;
  }
  return { steps, value, low, high };
}

// What guessing gives in these runs, each value once.
function chances(measure, runs) {
  const known = runs.map((run) => reached(report.runs[run], measure)?.chance ?? null).filter((value) => value !== null);
  return [...new Set(known)].sort((one, other) => one - other);
}
