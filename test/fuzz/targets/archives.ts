/** Archives of experiments. Digests in names and header are made right again, so that changes reach what is behind them. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { entriesOf } from '../../../artifacts/archive/archive.ts';
import { readTar } from '../../../artifacts/archive/archive-tar.ts';
import { importArchive } from '../../../artifacts/archive/import.ts';
import { asJson, jsonBytes } from '../../../artifacts/codecs/json-value.ts';
import { experimentKey } from '../../../artifacts/experiments.ts';
import { memoize } from '../../../artifacts/manifest.ts';
import { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../../artifacts/store/folder-object-store.ts';
import { digestOf, type Json, sha256 } from '../../../core/json.ts';
import { collect } from '../../artifacts/store-suite.ts';
import { type ArchiveFile, tarOf } from '../../support/archives.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';
import { nearJson } from '../near-json.ts';

async function wholeArchive(folder: string): Promise<ArchiveFile[]> {
  const source = new ArtifactStore(new FolderObjectStore(folder), { cacheByteLengthMax: 0 });
  const work = { activity: 'optimize', codeVersion: '1', inputs: {}, config: { step: 1 }, environment: {} };
  const { manifest } = await memoize(source, work, async () => {
    const file = await source.putBytes(Buffer.alloc(600, 7));
    const files = { 'a.bin': { sha256: file.sha256, byteLength: 600 } };
    return { outputs: { weights: await source.putJson({ schema: 1, files }) }, summary: {}, computeMs: 1 };
  });
  await source.objects.put(experimentKey('one'), jsonBytes({ experimentId: 'one', runs: [manifest.outputs] }));
  const files: ArchiveFile[] = [];
  for (const { name, open } of await collect(entriesOf(source, 'one')))
    files.push({ name, bytes: Buffer.concat((await collect(await open())) as Uint8Array[]) });
  return files;
}

const jsonOf = (bytes: Uint8Array): Json => JSON.parse(Buffer.from(bytes).toString()) as Json;

/** An archive with another document, whose digests are right. */
function withDocument(document: Json, files: readonly ArchiveFile[]): ArchiveFile[] {
  const bytes = Buffer.from(JSON.stringify(document));
  const open = { schema: 1, experimentId: 'one', document: { sha256: sha256(bytes), byteLength: bytes.byteLength } };
  const header = { ...open, digest: digestOf(asJson(open)) };
  const [, second] = files;
  return [
    { name: files[0]?.name ?? '', bytes: jsonBytes(header) },
    { name: second?.name ?? '', bytes },
    ...files.slice(2),
  ];
}

export const openArchives: OpenFuzzTarget = async (folder) => {
  const files = await wholeArchive(join(folder, 'source'));
  const [header, document] = files.map(({ name, bytes }) => (name.endsWith('.json') ? jsonOf(bytes) : null));
  const whole = await tarOf(files);
  const withHeader = (changed: Json): ArchiveFile[] => {
    const { digest: _, ...rest } = { ...(changed as Record<string, Json>) };
    return [
      { name: files[0]?.name ?? '', bytes: jsonBytes({ ...rest, digest: digestOf(asJson(rest)) }) },
      ...files.slice(1),
    ];
  };
  const inputs = fc.oneof(
    nearBytes(whole).map((bytes) => () => Promise.resolve(bytes)),
    nearJson(header ?? {}).map((changed) => () => tarOf(withHeader(changed))),
    nearJson(document ?? {}).map((changed) => () => tarOf(withDocument(changed, files))),
    fc.shuffledSubarray(files).map((some) => () => tarOf(some)),
  );
  const path = join(folder, 'one.tar');
  return fuzzTarget(inputs, async (make) => {
    writeFileSync(path, await make());
    const place = join(folder, 'store');
    rmSync(place, { recursive: true, force: true });
    const store = new ArtifactStore(new FolderObjectStore(place), { cacheByteLengthMax: 0 });
    await importArchive(store, readTar(path), path);
    return 'accepted';
  });
};
