/** Maps times to columns. Long pauses without runs are shortened and labelled. */

export type Span = { readonly from: number; readonly to: number };
export type Scale = {
  readonly x: (at: number) => number;
  /** The shortened pauses. */
  readonly pauses: readonly (Span & { readonly x: number })[];
};

/** The longest drawn pause, as a share of all the work. */
const pauseShare = 0.15;

/** A shorter pause is not labelled. */
const pauseMsMin = 60_000;

/** Builds the scale. `busy`: the times of the runs, in any order, at least one. */
export function buildScale(busy: readonly Span[], left: number, width: number): Scale {
  const merged = mergeSpans(busy);
  const worked = merged.reduce((sum, { from, to }) => sum + (to - from), 0);
  const pauseMax = Math.max(1, worked * pauseShare);
  const stretches = merged.flatMap((each, index) => {
    const before = merged[index - 1];
    const pause =
      before === undefined
        ? []
        : [{ from: before.to, to: each.from, drawn: Math.min(each.from - before.to, pauseMax) }];
    return [...pause, { ...each, drawn: Math.max(1, each.to - each.from) }];
  });
  const total = stretches.reduce((sum, { drawn }) => sum + drawn, 0);
  let begin = left;
  const placed = stretches.map((each) => {
    const columns = (each.drawn / total) * width;
    const place = { ...each, begin, columns };
    begin += columns;
    return place;
  });
  return {
    x(at) {
      const place = placed.find(({ to }) => at <= to) ?? placed.at(-1);
      if (place === undefined) return left;
      const length = Math.max(1, place.to - place.from);
      return place.begin + Math.min(1, Math.max(0, (at - place.from) / length)) * place.columns;
    },
    pauses: placed
      .filter(({ from, to, drawn }) => to - from > Math.max(drawn, pauseMsMin))
      .map((place) => ({ from: place.from, to: place.to, x: place.begin + place.columns / 2 })),
  };
}

function mergeSpans(busy: readonly Span[]): Span[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...busy].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}
