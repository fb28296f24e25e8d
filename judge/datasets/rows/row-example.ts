/** Maps a row of any file format to an example: id, label, order, prompt fields, rationale, group. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import type { RowsSpec, TaskSpec } from '../../../recipes/recipe.ts';
import { compileTemplate, type Template } from '../../tasks/template.ts';
import type { Example } from '../../example.ts';
import { checkCandidates } from './check-candidates.ts';
import { expandedRows } from './expanded-rows.ts';
import { candidatesIn, imagesOfCandidates, placedParts } from './row-candidates.ts';
import { type FieldImage, imagesIn } from './row-images.ts';
import { labelOf } from './label.ts';
import { inRandomOrder } from './pair-order.ts';
import { textField, type Row } from './jsonl-row.ts';
import { UnusableRow } from '../reading.ts';

/** Inputs of the mapping that do not depend on the row. */
export interface RowMapping {
  readonly spec: Pick<RowsSpec, 'task' | 'split' | 'fields' | keyof DatasetOptions>;
  readonly task: TaskSpec;
  readonly rationale: Template | undefined;
}

/** PROMPT_INVALID for a rationale that is not Jinja. */
export function rowMapping(spec: RowsSpec, task: TaskSpec): RowMapping {
  return { spec, task, rationale: spec.rationale === undefined ? undefined : compileTemplate(spec.rationale) };
}

/** Digests of a row's images, in order. Throws UnusableRow. */
export type ImagesOf = (images: readonly FieldImage[]) => Promise<readonly string[]>;

/**
 * Outcomes of a row of a file: one, or one for each row that its ranking expands to. A row that cannot be read or
 * expanded has one outcome.
 */
export async function outcomesOfRow(
  read: () => Row,
  mapping: RowMapping,
  imagesOf: ImagesOf,
): Promise<readonly (Example | UnusableRow)[]> {
  const rows = attempt(() => expandedRows(read(), mapping.spec));
  if (rows instanceof UnusableRow) return [rows];
  return Promise.all(rows.map((row) => exampleOf(row, mapping, imagesOf).catch(asUnusable)));
}

function attempt<T>(action: () => T): T | UnusableRow {
  try {
    return action();
  } catch (error) {
    return asUnusable(error);
  }
}

function asUnusable(error: unknown): UnusableRow {
  if (error instanceof UnusableRow) return error;
  throw error;
}

/**
 * Ids become `<task>/<split>/<id>`, so that two files may number their rows alike; `<task>/<id>` if the split is
 * assigned later (splits.ts), until when it is train. Without `fields.group`, rows with the same images form a group.
 * Throws UnusableRow.
 */
async function exampleOf(row: Row, { spec, task, rationale }: RowMapping, imagesOf: ImagesOf): Promise<Example> {
  const { fields, randomOrderSeed } = spec;
  const split = typeof spec.split === 'string' ? spec.split : undefined;
  const id = [spec.task, split, textField(row, fields.id)].filter((part) => part !== undefined).join('/');
  const found = labelOf(row, spec, task);
  const promptFields = Object.fromEntries(fields.prompt.map((name) => [name, textField(row, name)]));
  const group = fields.group === undefined ? undefined : textField(row, fields.group);
  const given = { ...(await shownOf(row, fields, imagesOf)), ...found };
  checkCandidates(given, found.label, task);
  const { images, candidates, label, score } =
    randomOrderSeed === undefined ? given : inRandomOrder(id, given, task.labels, randomOrderSeed);
  return {
    ...{ id, task: spec.task, split: split ?? 'train', images, ...(candidates && { candidates }) },
    ...{ fields: promptFields, label },
    ...(score !== undefined && { score }),
    ...(rationale && { rationale: renderRationale(rationale, row, label) }),
    groupKey: group ?? (images.length > 0 ? images.join('+') : id),
  };
}

/** Images of the context and of the candidates, and the candidates if the dataset says where they are. */
async function shownOf(
  row: Row,
  { images, candidates: spec }: RowMapping['spec']['fields'],
  imagesOf: ImagesOf,
): Promise<Pick<Example, 'images' | 'candidates'>> {
  const own = images.flatMap((field) => imagesIn(row, field));
  if (spec === undefined) return { images: await imagesOf(own) };
  const candidates = candidatesIn(row, spec);
  return {
    images: await imagesOf([...own, ...imagesOfCandidates(candidates)]),
    candidates: placedParts(candidates, own.length),
  };
}

function renderRationale(template: Template, row: Row, label: string): string {
  try {
    return template({ row, label }).trim();
  } catch (error) {
    throw new UnusableRow('PROMPT_INVALID', `rationale: ${error instanceof Error ? error.message : String(error)}`);
  }
}
