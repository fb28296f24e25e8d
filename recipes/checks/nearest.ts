/** Suggests existing names for a misspelt one. */

/** Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment distance. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replace = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? at(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(replace, at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, swap));
    }
  }
  return at(a.length, b.length);
}

/** Names ordered by similarity to `word`, most similar first; ties keep their order. */
export function nearest(word: string, names: readonly string[], countMax: number): readonly string[] {
  const distance = (name: string): number =>
    name.toLowerCase().includes(word.toLowerCase()) ? 0.5 : editDistance(word.toLowerCase(), name.toLowerCase());
  return [...names].sort((a, b) => distance(a) - distance(b)).slice(0, countMax);
}
