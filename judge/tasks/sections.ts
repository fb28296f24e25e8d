/** The sections of a rationale: each of the task's once, in order and not empty, and nothing else. */
import type { Judgment, Section } from '../example.ts';

/** A rationale as a parser of one format finds it. */
export interface FoundSections {
  /** In the order of the text; a name that occurs twice is there twice. */
  readonly found: readonly Section[];
  /** Whether there is anything besides. */
  readonly hasMore: boolean;
}

/** What is wrong with the sections; undefined if nothing is. */
export function sectionProblem(
  names: readonly string[],
  { found, hasMore }: FoundSections,
): Extract<Judgment, { ok: false }> | undefined {
  let lastPlace = -1;
  let first: Extract<Judgment, { ok: false }> | undefined;
  let rightCount = 0;
  for (const section of names) {
    const places = found.flatMap(({ name, text }, place) => (name === section && text.trim() !== '' ? [place] : []));
    const [place] = places;
    const isRepeated = found.filter(({ name }) => name === section).length > 1;
    if (place !== undefined && !isRepeated && place > lastPlace) {
      lastPlace = place;
      rightCount++;
      continue;
    }
    const reason = isRepeated ? 'section-repeated' : place === undefined ? 'section-missing' : 'section-out-of-order';
    first ??= { ok: false, reason, section };
  }
  if (first === undefined) return hasMore ? { ok: false, reason: 'text-outside-form' } : undefined;
  return { ...first, sectionShare: rightCount / names.length };
}

/** The sections of a tagged rationale: `<claims> ... </claims>`. */
export function taggedSections(names: readonly string[], rationale: string): FoundSections {
  const pattern = new RegExp(`<(${names.join('|')})>([^]*?)</\\1>`, 'g');
  const found = [...rationale.matchAll(pattern)].map(([, name = '', text = '']) => ({ name, text: text.trim() }));
  return { found, hasMore: rationale.replace(pattern, '').trim() !== '' };
}

/** The sections of a rationale in lines: each begins with a line `claims: ...`. */
export function lineSections(names: readonly string[], rationale: string): FoundSections {
  const start = new RegExp(`^\\s*(${names.join('|')}):`);
  const parts: { readonly name: string; readonly lines: string[] }[] = [];
  let hasMore = false;
  for (const line of rationale.split('\n')) {
    const name = start.exec(line)?.[1];
    if (name !== undefined) parts.push({ name, lines: [line.replace(start, '')] });
    else if (parts.length > 0) parts.at(-1)?.lines.push(line);
    else hasMore ||= line.trim() !== '';
  }
  return { found: parts.map(({ name, lines }) => ({ name, text: lines.join('\n').trim() })), hasMore };
}

/** The sections of a rationale in JSON: `{"claims": "..."}`. */
export function jsonSections(names: readonly string[], rationale: Readonly<Record<string, unknown>>): FoundSections {
  const entries = Object.entries(rationale);
  const found = entries.map(([name, text]) => ({ name, text: typeof text === 'string' ? text.trim() : '' }));
  return { found, hasMore: entries.some(([name, text]) => !names.includes(name) || typeof text !== 'string') };
}

/** As one text, for people and graders. */
export function sectionText(sections: readonly Section[]): string {
  return sections.map(({ name, text }) => `${name}: ${text}`).join('\n');
}
