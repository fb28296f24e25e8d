/** Formats the differences of two recipes. */
import type { Difference } from '../../core/difference.ts';
import type { Json } from '../../core/json.ts';

const shownCountMax = 12;

/** One line per difference. */
export function differenceLines(all: readonly Difference[]): string {
  const lines = all
    .slice(0, shownCountMax)
    .map(({ path, there, here }) => `${path}: there ${show(there)}, here ${show(here)}`);
  const rest = all.length - lines.length;
  return [...lines, ...(rest > 0 ? [`and ${String(rest)} more`] : [])].join('\n        ');
}

function show(value: Json | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
