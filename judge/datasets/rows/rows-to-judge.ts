/**
 * Reads unlabelled rows: a JSON Lines file of `{id?, image | images, candidates?, ...}`, where every other text, number or
 * boolean, also inside lists and objects, is a field of the task's prompt. A candidate is a text, an object with `image`, `text` or both, or a list of
 * these. Rows that cannot be shown to a judge are unusable, with a reason.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MtrlError } from '../../../core/errors.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import type { Example } from '../../example.ts';
import { kindOf, sampleLabels } from '../../kinds/table.ts';
import { ruleFor } from '../../tasks/candidates.ts';
import type { ModeWords } from '../../tasks/prompt.ts';
import { checkExample } from './check-example.ts';
import { checkCandidates } from './check-candidates.ts';
import { imagesOfParts, partsAt, placedParts, type PlainPart } from './row-parts.ts';
import type { FieldImage } from './row-images.ts';
import { fieldTexts } from './field-texts.ts';
import { takeImage } from '../sources/encoded-image.ts';
import { listField, parseRow, textField, type Row } from './jsonl-row.ts';
import { linesOf } from '../sources/lines.ts';
import { UnusableRow, type TakenImage } from '../reading.ts';

export interface RowToJudge {
  /** 1-based line. */
  readonly row: number;
  readonly text: string;
  readonly outcome: { readonly example: Example; readonly images: readonly TakenImage[] } | UnusableRow;
}

export interface RowsSource extends TaskOfRows {
  readonly file: string;
  readonly imageFolder: string;
}

export interface TaskOfRows {
  readonly task: string;
  readonly spec: TaskSpec;
  readonly modeWords: ModeWords;
  /** As in the task's datasets. */
  readonly imageMark?: string;
}

/** Blank lines are skipped. Throws FILE_MISSING. */
export async function* readRowsToJudge(source: RowsSource): AsyncGenerator<RowToJudge> {
  const ids = new Set<string>();
  try {
    for await (const { number, bytes } of linesOf(createReadStream(source.file))) {
      const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
      if (bytes !== undefined && text.trim() === '') continue;
      yield { row: number, text, outcome: await rowOf(source, number, bytes, ids) };
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EISDIR') throw cause;
    throw new MtrlError('FILE_MISSING', 'the rows cannot be read', { where: source.file, found: code, cause });
  }
}

async function rowOf(
  source: RowsSource,
  number: number,
  bytes: Uint8Array | undefined,
  ids: Set<string>,
): Promise<RowToJudge['outcome']> {
  try {
    if (bytes === undefined) throw new UnusableRow('ROW_UNREADABLE', 'the line is too long');
    const row = parseRow(bytes);
    const id = Object.hasOwn(row, 'id') ? textField(row, 'id') : `row ${String(number)}`;
    if (ids.has(id)) throw new UnusableRow('DUPLICATE_ID', `an earlier row has the id ${id}`);
    const made = await exampleToJudge(source, row, id, (name) => imageAt(source.imageFolder, name));
    ids.add(id);
    return made;
  } catch (error) {
    if (error instanceof UnusableRow) return error;
    throw error;
  }
}

/** The example of one row. `take` returns the image that a text of the row names. Throws UnusableRow. */
export async function exampleToJudge(
  source: TaskOfRows,
  row: Row,
  id: string,
  take: (name: string) => Promise<TakenImage>,
): Promise<{ readonly example: Example; readonly images: readonly TakenImage[] }> {
  const names = imageNames(row);
  const compared = comparedIn(row, source.spec);
  const shown = [...names, ...imagesOfParts(compared ?? []).map(nameOf)];
  const images = await Promise.all(shown.map(take));
  const candidates = compared && placedParts(compared, names.length);
  const example = exampleOf(source, row, id, {
    images: images.map(({ sha256 }) => sha256),
    ...(candidates && { candidates }),
  });
  checkExample(example, source.spec, source.modeWords);
  return { example, images };
}

/** Keys of a row that are not fields of the prompt. */
export const reserved: readonly string[] = ['id', 'image', 'images', 'candidates'];

/** What a row compares; undefined if each of its images is a candidate, or if the task compares nothing. */
function comparedIn(row: Row, spec: TaskSpec): PlainPart[][] | undefined {
  if (kindOf(spec).candidateCount === undefined || !Object.hasOwn(row, 'candidates')) return undefined;
  return listField(row, 'candidates').map((_, i) => partsAt(row, `candidates.${i}`));
}

function nameOf({ field, value }: FieldImage): string {
  if (typeof value === 'string') return value;
  throw new UnusableRow('FIELD_MISSING', `${field} is not a file name`);
}

function exampleOf(
  { task, spec, imageMark }: TaskOfRows,
  row: Row,
  id: string,
  shown: Pick<Example, 'images' | 'candidates'>,
): Example {
  // The label is unknown: a placeholder that nothing reads.
  const [label = ''] = sampleLabels(ruleFor(spec, shown));
  checkCandidates(shown, label, spec);
  const names = Object.keys(row).filter((name) => !reserved.includes(name));
  return {
    ...{ id, task, split: 'test', groupKey: id, ...shown, ...(imageMark !== undefined && { imageMark }) },
    fields: Object.assign({}, ...names.map((name) => textsIfAny(row, name))) as Example['fields'],
    label,
  };
}

/** Nothing for a field without text, or with more than a prompt could use. */
function textsIfAny(row: Row, name: string): Example['fields'] {
  try {
    return fieldTexts(row, name);
  } catch (error) {
    if (error instanceof UnusableRow) return {};
    throw error;
  }
}

function imageNames(row: Row): string[] {
  const value = row['images'] ?? row['image'] ?? [];
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  return names.map((name) => {
    if (typeof name === 'string') return name;
    throw new UnusableRow('FIELD_MISSING', '`image` is a file name, `images` a list of them');
  });
}

async function imageAt(folder: string, name: string): Promise<TakenImage> {
  const place = path.resolve(folder, name);
  if (!place.startsWith(path.resolve(folder) + path.sep))
    throw new UnusableRow('IMAGE_MISSING', `${name} is not inside the image folder`);
  const bytes = await readFile(place).catch((error: unknown) => {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing) throw new UnusableRow('IMAGE_MISSING', `${name} does not exist`);
    throw new UnusableRow('IMAGE_UNREADABLE', `${name}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return takeImage(bytes, name);
}
