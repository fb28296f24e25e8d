/**
 * Labels as JSON Lines that `mtrl ingest` takes: a row for each example, with its pictures, all votes, and the row's own
 * fields under their own names, so that the task's prompt needs no change (docs/studio.md has the settings).
 */
import { required } from '../../core/assert.ts';
import type { Candidate, Example } from '../../judge/example.ts';
import { type DatasetArtifact, datasetFormat, openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { imageBytes } from '../../pipeline/data/image-table.ts';
import type { Library } from '../library.ts';
import { contentTypeOf } from '../reading/picture.ts';
import { labelsOf } from './label-store.ts';
import { blindLabel, type PersonLabel } from './person-label.ts';

/** Lines, each with its end. */
export async function* exportedLabels(library: Library, experimentId: string, task: string): AsyncGenerator<string> {
  const byExample = new Map<string, PersonLabel[]>();
  for (const label of await labelsOf(library.store, experimentId, task)) {
    const key = `${label.dataset.sha256} ${String(label.exampleIndex)}`;
    byExample.set(key, [...(byExample.get(key) ?? []), label]);
  }
  for (const labels of byExample.values()) {
    const { dataset, exampleIndex } = required(labels[0], 'a label');
    const [example] = await (await openDataset(library.cache, dataset)).examplesAt([exampleIndex]);
    if (example === undefined) continue;
    const row = await rowOf(library, await library.cache.getDocument(dataset, datasetFormat), example, labels);
    yield `${JSON.stringify(row)}\n`;
  }
}

async function rowOf(library: Library, dataset: DatasetArtifact, example: Example, labels: readonly PersonLabel[]) {
  const uris = await Promise.all(
    example.images.map(async (digest) => {
      const bytes = await imageBytes(library.cache, dataset, digest);
      return `data:${contentTypeOf(bytes)};base64,${Buffer.from(bytes).toString('base64')}`;
    }),
  );
  const { id, candidates, context = {}, fields, groupKey } = example;
  const parts = (pieces: Candidate) =>
    pieces.map((part) =>
      'text' in part
        ? { type: 'text', text: part.text }
        : { type: 'image_url', image_url: { url: required(uris[part.image], 'a picture') } },
    );
  return {
    ...fields,
    ...Object.fromEntries(Object.entries(context).map(([name, piece]) => [name, parts(piece)])),
    example_id: id,
    example_group: groupKey,
    ...(candidates === undefined ? { example_images: uris } : { example_candidates: candidates.map(parts) }),
    people_votes: labels.map(({ label }) => label),
    people: labels.map(({ by, at, order, label, note, earlier = [] }) => {
      const first = blindLabel({ earlier });
      return { by, at, order, label, ...(first && { first }), ...(note !== undefined && { note }) };
    }),
  };
}
