/** Which columns of a parquet file the recipe uses: others, such as pictures, cost nothing. */
import type { FileMetaData } from 'hyparquet';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { matchesPattern } from '../rows/row-candidates.ts';

/** Names of the top-level columns, in the order of the schema. */
function topColumns({ schema }: FileMetaData): string[] {
  const top: string[] = [];
  let i = 1;
  const skip = (): void => {
    const { num_children = 0 } = schema[i++] ?? { num_children: 0 };
    for (let child = 0; child < num_children && i < schema.length; child++) skip();
  };
  while (i < schema.length) {
    top.push(schema[i]?.name ?? '');
    skip();
  }
  return top;
}

/** `row.name`, `row["name"]`, or `row` alone. */
const rowUse = /\brow\b(?:\s*\.\s*(\w+)|\s*\[\s*(?:'([^']*)'|"([^"]*)")\s*\])?/g;

/** Fields that the template reads of `row`; undefined if it uses all of them. */
function templateFields(template: string): string[] | undefined {
  const names = [...template.matchAll(rowUse)].map((use) => {
    const named: readonly (string | undefined)[] = use.slice(1);
    return named.find((name) => name !== undefined);
  });
  return names.every((name) => name !== undefined) ? names : undefined;
}

/** All texts in a part of the recipe that names fields. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The top-level columns that the mapping uses; all if its rationale may use any. */
export function usedColumns(metadata: FileMetaData, spec: RowsSpec, taskFields: readonly string[]): string[] {
  const top = topColumns(metadata);
  const { fields, rationale = '', ranking, each, where = {}, derive = {} } = spec;
  const ofTemplate = templateFields(textsIn(rationale).join('\n'));
  if (ofTemplate === undefined) return top;
  const sources = Object.values(derive).map(({ from }) => from);
  const names = [...textsIn([fields, ranking, each?.list, sources, taskFields]), ...Object.keys(where), ...ofTemplate];
  // `a.b` is the column of that name, or a member of the column `a`
  const used = new Set(names.flatMap((name) => [name, ...prefixesOf(name)]));
  const patterns = [fields.candidates, fields.votes].flatMap((where) =>
    typeof where === 'object' && 'columns' in where ? [matchesPattern(where.columns)] : [],
  );
  return top.filter((name) => used.has(name) || patterns.some((isMatch) => isMatch(name)));
}

function prefixesOf(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
}
