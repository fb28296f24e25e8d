/** JSON Lines with image files beside them: one row, one example. Nothing but the present batch of rows is held. */
import { stat } from 'node:fs/promises';
import { MtrlError } from '../../core/errors.ts';
import type { JsonlSpec, TaskSpec } from '../../recipes/recipe.ts';
import { compileTemplate, type Template } from '../tasks/template.ts';
import type { Example } from '../example.ts';
import { ImageFolder } from './image-file.ts';
import { labelOf, parseRow, textField, type Row } from './jsonl-row.ts';
import { linesOf, lineByteLengthMax, type Line } from './lines.ts';
import { UnusableRow, type ImageSink, type Reading } from './reading.ts';

/** Rows whose images are read side by side. */
const rowCountPerBatch = 32;

/** FILE_MISSING unless the path is there and is of that kind. */
async function assertThere(place: string, kind: 'file' | 'folder'): Promise<void> {
  const found = await stat(place).catch(() => undefined);
  if (found !== undefined && (kind === 'file' ? found.isFile() : found.isDirectory())) return;
  throw new MtrlError('FILE_MISSING', `there is no ${kind} ${place}`, {
    where: place,
    found: found === undefined ? 'nothing' : found.isDirectory() ? 'a folder' : 'something else',
    hint: 'paths in a recipe are relative to the recipe file',
  });
}

function renderRationale(template: Template, row: Row, label: string): string {
  try {
    return template({ row, label }).trim();
  } catch (error) {
    throw new UnusableRow('PROMPT_INVALID', `rationale: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Source {
  readonly spec: JsonlSpec;
  readonly labels: readonly [string, string];
  readonly folder: ImageFolder;
  readonly rationale: Template | undefined;
}

async function exampleOf(row: Row, { spec, labels, folder, rationale }: Source): Promise<Example> {
  const { task, split, fields } = spec;
  const id = `${task}/${split}/${textField(row, fields.id)}`;
  const label = labelOf(row, spec, labels);
  const promptFields = Object.fromEntries(fields.prompt.map((name) => [name, textField(row, name)]));
  const reason = rationale === undefined ? {} : { rationale: renderRationale(rationale, row, label) };
  const group = fields.group === undefined ? undefined : textField(row, fields.group);
  const names = fields.images.map((name) => textField(row, name));
  const images = await Promise.all(names.map((name) => folder.digestOf(name)));
  return { id, task, split, images, fields: promptFields, label, ...reason, groupKey: group ?? images.join('+') };
}

async function readingOf({ number, bytes }: Line, source: Source): Promise<Reading> {
  const place = { source: source.spec.path, row: number };
  if (bytes === undefined) {
    const outcome = new UnusableRow('ROW_UNREADABLE', `the line is longer than ${lineByteLengthMax} bytes`);
    return { ...place, text: '', outcome };
  }
  const text = new TextDecoder().decode(bytes);
  try {
    return { ...place, text, outcome: await exampleOf(parseRow(bytes), source) };
  } catch (error) {
    if (error instanceof UnusableRow) return { ...place, text, outcome: error };
    throw error;
  }
}

function isBlank({ bytes }: Line): boolean {
  // every byte is white space: space, tab or CR
  return bytes?.every((byte) => byte === 32 || byte === 9 || byte === 13) ?? false;
}

/**
 * Batches of readings, in the file's order; blank lines are no rows. Ids become `<task>/<split>/<id>`, so that two
 * files may number their rows alike. Without `fields.group`, rows with the same images are a group.
 * FILE_MISSING for a file or folder that is not there, PROMPT_INVALID for a rationale that is not Jinja.
 */
export async function* readJsonl(spec: JsonlSpec, task: TaskSpec, sink: ImageSink): AsyncGenerator<readonly Reading[]> {
  await assertThere(spec.path, 'file');
  await assertThere(spec.imageFolder, 'folder');
  const source: Source = {
    spec,
    labels: task.labels,
    folder: new ImageFolder(spec.imageFolder, sink),
    rationale: spec.rationale === undefined ? undefined : compileTemplate(spec.rationale),
  };
  let batch: Line[] = [];
  for await (const line of linesOf(spec.path)) {
    if (!isBlank(line)) batch.push(line);
    if (batch.length < rowCountPerBatch) continue;
    yield await Promise.all(batch.map((each) => readingOf(each, source)));
    batch = [];
  }
  if (batch.length > 0) yield await Promise.all(batch.map((each) => readingOf(each, source)));
}
