/** Levenshtein's distance (1966): the fewest insertions, deletions and replacements that turn one sequence into another. */
export function levenshtein(first: readonly string[], second: readonly string[]): number {
  // Distances of the first i elements of `first` to each start of `second`.
  let row = Array.from({ length: second.length + 1 }, (_, j) => j);
  for (const [i, one] of first.entries()) {
    const next = [i + 1];
    for (const [j, other] of second.entries()) {
      const replaced = (row[j] as number) + (one === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[second.length] as number;
}
