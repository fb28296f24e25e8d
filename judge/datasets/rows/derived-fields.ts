/** Adds the fields that a dataset derives from others. */
import type { DeriveSpec } from '../../../recipes/fields/derive-field.ts';
import { type Row, textField, valueAt } from './jsonl-row.ts';

/** Throws UnusableRow FIELD_MISSING for a list or an object. */
export function withDerived(row: Row, derive: DeriveSpec | undefined): Row {
  if (derive === undefined) return row;
  const fields = Object.entries(derive).flatMap(([name, { from, before, startsWith }]): [string, string][] => {
    if ((valueAt(row, from) ?? null) === null) return [];
    const text = textField(row, from);
    const value =
      startsWith === undefined ? (before === undefined ? text : text.split(before, 1)[0]) : named(text, startsWith);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...row, ...Object.fromEntries(fields) };
}

function named(text: string, startsWith: Readonly<Record<string, string>>): string | undefined {
  const starts = Object.keys(startsWith).filter((start) => text.startsWith(start));
  const [longest] = starts.sort((a, b) => b.length - a.length);
  return longest === undefined ? undefined : startsWith[longest];
}
