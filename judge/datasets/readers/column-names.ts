/** Names of a table's columns from its header line, as pandas makes them. */

/** A column without a name is `Unnamed: <index>`; the second `label` is `label.1`, the third `label.2`. */
export function columnNames(header: readonly string[]): string[] {
  const given = header.map((name, i) => (name === '' ? `Unnamed: ${i}` : name));
  const counts = new Map<string, number>();
  return given.map((name) => {
    let count = counts.get(name) ?? 0;
    let unique = name;
    while (count > 0) {
      counts.set(name, count + 1);
      unique = `${name}.${count}`;
      count = given.includes(unique) ? count + 1 : (counts.get(unique) ?? 0);
    }
    counts.set(unique, count + 1);
    return unique;
  });
}
