/** Fields with dots in their names as members: `Input.caption` is the member `caption` of `Input`. */

type Holder = Record<string, unknown>;

/** Objects, and lists where every name below is a place: `turns.0.text` is the text of the first turn. */
export function nested(values: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Holder = {};
  for (const [name, value] of Object.entries(values)) {
    const parts = name.split('.');
    const last = parts.pop();
    if (parts.length === 0 || last === undefined) continue;
    let at = root;
    for (const part of parts) {
      const inner = Object.hasOwn(at, part) && typeof at[part] === 'object' ? (at[part] as Holder) : {};
      at[part] = inner;
      at = inner;
    }
    at[last] = value;
  }
  return Object.fromEntries(Object.entries(root).map(([name, value]) => [name, withLists(value)]));
}

function withLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, each]) => [name, withLists(each)] as const);
  const places = members.map(([name]) => (/^(?:0|[1-9]\d{0,5})$/.test(name) ? Number(name) : NaN));
  if (!places.every(Number.isInteger)) return Object.fromEntries(members);
  // Templates can ask of places without a value whether they are defined.
  const list: unknown[] = Array.from({ length: Math.max(...places) + 1 });
  for (const [i, [, each]] of members.entries()) list[places[i] ?? 0] = each;
  return list;
}
