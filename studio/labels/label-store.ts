/**
 * Labels of people, an object each: `labels/<experiment>/<task>/<row>-<person>.json`. A person has one label for an
 * example; giving another keeps the earlier ones in it. Of two writers at once, the second is told to look again.
 */
import pMap from 'p-map';
import { isRecord, jsonBytes, parseJsonBytes } from '../../artifacts/codecs/json-value.ts';
import { inFormat } from '../../artifacts/format.ts';
import { keyPart, textOfKeyPart } from '../../artifacts/key-part.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { MtrlError } from '../../core/errors.ts';
import { labelFormat, type PersonLabel } from './person-label.ts';

const earlierCountMax = 20;
const readCountMax = 16;

export interface LabelledBy {
  readonly exampleIndex: number;
  readonly by: string;
}

function prefixOf(experimentId: string, task: string): string {
  return `labels/${keyPart(experimentId)}/${keyPart(task)}/`;
}

function keyOf({ experimentId, task, exampleIndex, by }: PersonLabel): string {
  return `${prefixOf(experimentId, task)}${String(exampleIndex).padStart(9, '0')}-${keyPart(by)}.json`;
}

/** Returns the label as it is kept. The same label given twice is kept once. Throws LABEL_CONFLICT. */
export async function putLabel({ objects }: ArtifactStore, label: PersonLabel): Promise<PersonLabel> {
  const key = keyOf(label);
  const where = objects.uriOf(key);
  const before = await objects.getTagged(key);
  const kept = before && labelIn(before.bytes, where);
  if (kept && isSame(kept, label)) return kept;
  const next = kept ? changed(kept, label) : label;
  const bytes = jsonBytes(next);
  const outcome = before ? await objects.putIfMatch(key, bytes, before.tag) : await objects.putIfAbsent(key, bytes);
  if (outcome === 'written') return next;
  // A request that was sent again because its first answer was lost also fails, although the first one succeeded.
  const found = await objects.get(key);
  const now = found && labelIn(found, where);
  if (now && isSame(now, label)) return now;
  throw conflict(where);
}

function isSame(a: PersonLabel, b: PersonLabel): boolean {
  return a.label === b.label && a.note === b.note;
}

function changed(kept: PersonLabel, label: PersonLabel): PersonLabel {
  const earlier = withFirst([{ label: kept.label, at: kept.at }, ...(kept.earlier ?? [])]);
  // The order in which the person first met the example counts: whoever changes a label has seen the judge's verdict.
  return { ...label, order: kept.order, earlier };
}

/** Of many, the newest and the very first. */
function withFirst(earlier: NonNullable<PersonLabel['earlier']>): NonNullable<PersonLabel['earlier']> {
  return earlier.length <= earlierCountMax ? earlier : [...earlier.slice(0, earlierCountMax - 1), ...earlier.slice(-1)];
}

function conflict(where: string): MtrlError {
  return new MtrlError('LABEL_CONFLICT', 'the label was changed at the same moment by another page', {
    where,
    hint: 'reload the page, and label the example again if its label is not the one that you mean',
  });
}

/** Who labelled which rows, by the keys alone. */
export async function labelledRows(
  { objects }: ArtifactStore,
  experimentId: string,
  task: string,
): Promise<LabelledBy[]> {
  const prefix = prefixOf(experimentId, task);
  const found: LabelledBy[] = [];
  for await (const { key } of objects.list(prefix)) {
    const name = key.slice(prefix.length, -'.json'.length);
    found.push({ exampleIndex: Number(name.slice(0, 9)), by: textOfKeyPart(name.slice(10)) });
  }
  return found;
}

/**
 * All labels of a task, by row and then by person. Throws ARTIFACT_CORRUPT for one that was edited by hand,
 * FORMAT_UNSUPPORTED.
 */
export async function labelsOf({ objects }: ArtifactStore, experimentId: string, task: string): Promise<PersonLabel[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefixOf(experimentId, task))) keys.push(key);
  const read = await pMap(
    keys,
    async (key) => {
      const bytes = await objects.get(key);
      return bytes === undefined ? [] : [labelIn(bytes, objects.uriOf(key))];
    },
    { concurrency: readCountMax },
  );
  return read.flat();
}

function labelIn(bytes: Uint8Array, where: string): PersonLabel {
  const value = parseJsonBytes(bytes);
  if (isRecord(value) && value['schema'] !== undefined) inFormat(labelFormat, value, where);
  const isLabel =
    isRecord(value) &&
    ['experimentId', 'task', 'exampleId', 'label', 'by', 'at', 'order'].every(
      (name) => typeof value[name] === 'string',
    ) &&
    typeof value['exampleIndex'] === 'number';
  if (isLabel) return value as unknown as PersonLabel;
  throw new MtrlError('ARTIFACT_CORRUPT', 'this is no label as the studio writes them', {
    where,
    found: value === undefined ? 'no JSON' : 'fields that are missing or of another type',
    hint: 'labels are not to be edited by hand: delete the object, and label the example again',
  });
}
