/** Values of several criteria as one label: `clarity: 4, safe: yes`, in the order of the recipe. */
export type CriterionValues = ReadonlyMap<string, string>;

export function criteriaLabel(values: CriterionValues): string {
  return [...values].map(([name, value]) => `${name}: ${value}`).join(', ');
}

/**
 * The values that a text gives, separated by commas, semicolons or line ends; undefined if a part is no `name: value`, or
 * if a name comes twice.
 */
export function readCriteria(text: string): CriterionValues | undefined {
  const values = new Map<string, string>();
  for (const part of text.split(/[,;\n]/)) {
    const [, name, value] = /^\s*([^:]+?)\s*:\s*(\S.*?)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined || values.has(name)) return undefined;
    values.set(name, value);
  }
  return values;
}
