import { literalPattern } from '../../core/literal-pattern.ts';

/** Values of several criteria as one label: `clarity: 4, safe: yes`, in the order of the recipe. */
export type CriterionValues = ReadonlyMap<string, string>;

export function criteriaLabel(values: CriterionValues): string {
  return [...values].map(([name, value]) => `${name}: ${value}`).join(', ');
}

/**
 * The values that a text gives, separated by commas, semicolons or line ends, or, if it has none of these, by white space
 * before the given names; undefined if a part is no `name: value`, or if a name comes twice.
 */
export function readCriteria(text: string, names: readonly string[] = []): CriterionValues | undefined {
  const values = new Map<string, string>();
  for (const part of partsOf(text.trim(), names)) {
    const [, name, value] = /^\s*([^:]+?)\s*:\s*(\S.*?)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined || values.has(name)) return undefined;
    values.set(name, value);
  }
  return values;
}

function partsOf(text: string, names: readonly string[]): string[] {
  if (names.length === 0 || /[,;\n]/.test(text)) return text.split(/[,;\n]/);
  return text.split(new RegExp(`\\s+(?=(?:${names.map(literalPattern).join('|')})\\s*:)`));
}
