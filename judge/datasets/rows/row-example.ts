/** Maps a row of any file format to an example: id, label, order, prompt fields, rationale, group. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import type { RowsSpec, TaskSpec } from '../../../recipes/recipe.ts';
import { compileTemplate, type Template } from '../../tasks/template.ts';
import type { Candidate, Example, Rationale } from '../../example.ts';
import { checkCandidates } from './check-candidates.ts';
import { expandedRows } from './expanded-rows.ts';
import { candidatesIn } from './row-candidates.ts';
import { fieldTexts } from './field-texts.ts';
import { type FieldImage, imagesIn } from './row-images.ts';
import { inRandomOrder } from './pair-order.ts';
import { imagesOfParts, partsIn, placedParts, type PlainPart, type RowPart } from './row-parts.ts';
import { attributesOf } from './row-attributes.ts';
import { votedLabelOf } from './voted-label.ts';
import { textField, type Row } from './jsonl-row.ts';
import { templateRow } from './template-row.ts';
import { asUnusable, UnusableRow, unusableOr } from '../reading.ts';

/** Inputs of the mapping that do not depend on the row. */
export interface RowMapping {
  readonly spec: Pick<RowsSpec, 'task' | 'split' | 'fields' | keyof DatasetOptions>;
  readonly task: TaskSpec;
  /** Returns the text of the reason, or its sections in the task's order. */
  readonly rationale: ((values: Parameters<Template>[0]) => Rationale) | undefined;
}

/** PROMPT_INVALID for a rationale that is not Jinja. */
export function rowMapping(spec: RowsSpec, task: TaskSpec): RowMapping {
  return { spec, task, rationale: spec.rationale === undefined ? undefined : rationaleWriter(spec.rationale, task) };
}

function rationaleWriter(
  written: NonNullable<RowsSpec['rationale']>,
  { sections = [] }: TaskSpec,
): NonNullable<RowMapping['rationale']> {
  if (typeof written === 'string') {
    const template = compileTemplate(written);
    return (values) => template(values).trim();
  }
  const templates = sections.map((name) => ({ name, template: compileTemplate(written[name] ?? '') }));
  return (values) => templates.map(({ name, template }) => ({ name, text: template(values).trim() }));
}

/** Where a row's images come from. Both throw UnusableRow. */
export interface RowImages {
  /** Digests of the images, in order. */
  take(images: readonly FieldImage[]): Promise<readonly string[]>;
  /** The images in a folder. */
  framesIn(folder: string): Promise<readonly FieldImage[]>;
}

/**
 * Outcomes of a row of a file: one, or one for each row that its ranking expands to. A row that cannot be read or
 * expanded has one outcome.
 */
export async function outcomesOfRow(
  read: () => Row,
  mapping: RowMapping,
  rowImages: RowImages,
): Promise<readonly (Example | UnusableRow)[]> {
  const rows = unusableOr(() => expandedRows(read(), mapping.spec));
  if (rows instanceof UnusableRow) return [rows];
  return Promise.all(rows.map((row) => exampleOf(row, mapping, rowImages).catch(asUnusable)));
}

/**
 * Ids become `<task>/<split>/<id>`, so that two files may number their rows alike; `<task>/<id>` if the split is
 * assigned later (splits.ts), until when it is train. Without `fields.group`, rows with the same images form a group.
 * Throws UnusableRow.
 */
async function exampleOf(row: Row, { spec, task, rationale }: RowMapping, rowImages: RowImages): Promise<Example> {
  const { fields, imageMark, randomOrderSeed } = spec;
  const split = typeof spec.split === 'string' ? spec.split : undefined;
  const id = [spec.task, split, textField(row, fields.id)].filter((part) => part !== undefined).join('/');
  const found = votedLabelOf(row, spec, task);
  const promptFields = Object.assign({}, ...fields.prompt.map((name) => fieldTexts(row, name))) as Example['fields'];
  const group = fields.group === undefined ? undefined : textField(row, fields.group);
  const given = { ...(await shownOf(row, fields, rowImages)), ...found };
  checkCandidates(given, found.label, task);
  const { images, context, candidates, label, score, votes } =
    randomOrderSeed === undefined ? given : inRandomOrder(id, given, task.labels, randomOrderSeed);
  return {
    ...{ id, task: spec.task, split: split ?? 'train', images },
    ...{ ...(context && { context }), ...(candidates && { candidates }) },
    ...{ fields: promptFields, ...(imageMark !== undefined && { imageMark }), label },
    ...(score !== undefined && { score }),
    ...(rationale && { rationale: renderRationale(rationale, row, label) }),
    groupKey: group ?? (images.length > 0 ? images.join('+') : id),
    ...(votes && { votes }),
    ...attributesOf(row, task),
  };
}

/**
 * Images, context and candidates, as far as the dataset says where they are. Images of `fields.images` come first, then
 * those of the context, then those of the candidates.
 */
async function shownOf(
  row: Row,
  { images, context, candidates }: RowMapping['spec']['fields'],
  rowImages: RowImages,
): Promise<Pick<Example, 'images' | 'context' | 'candidates'>> {
  const own = images.flatMap((field) => imagesIn(row, field));
  const names = Object.keys(context ?? {});
  const pieces = Object.values(context ?? {}).map((parts) => partsIn(row, parts));
  const compared = candidates === undefined ? [] : candidatesIn(row, candidates);
  const lists = await Promise.all([...pieces, ...compared].map((parts) => withFrames(parts, rowImages)));
  const placed = placedParts(lists, own.length);
  const byName = Object.fromEntries(names.map((name, i): [string, Candidate] => [name, placed[i] ?? []]));
  return {
    images: await rowImages.take([...own, ...imagesOfParts(lists)]),
    ...(context && { context: byName }),
    ...(candidates && { candidates: placed.slice(names.length) }),
  };
}

async function withFrames(parts: readonly RowPart[], rowImages: RowImages): Promise<PlainPart[]> {
  const found = parts.map(async (part): Promise<readonly PlainPart[]> => {
    if (!('frames' in part)) return [part];
    return (await rowImages.framesIn(part.frames)).map((image) => ({ image }));
  });
  return (await Promise.all(found)).flat();
}

function renderRationale(write: NonNullable<RowMapping['rationale']>, row: Row, label: string): Rationale {
  try {
    return write({ row: templateRow(row), label });
  } catch (error) {
    throw new UnusableRow('PROMPT_INVALID', `rationale: ${error instanceof Error ? error.message : String(error)}`);
  }
}
