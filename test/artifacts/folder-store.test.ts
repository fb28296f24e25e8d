import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { registrySuite } from './registry-suite.ts';
import { storeSuite } from './store-suite.ts';

const root = mkdtempSync(join(tmpdir(), 'mtrl-folder-store-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('folder store', () => {
  storeSuite(() => new FolderObjectStore(root));
  registrySuite(() => new FolderObjectStore(root));

  it('leaves no partially written file behind', async () => {
    const objects = new FolderObjectStore(root);
    const broken = { byteLength: 3, sha256: 'f'.repeat(64) };
    await expect(
      objects.putStream('broken', {
        ...broken,
        open: () => Readable.from([Buffer.from('abc')], { objectMode: false }),
      }),
    ).rejects.toMatchObject({
      code: 'ARTIFACT_CORRUPT',
    });
    expect(await objects.head('broken')).toBeUndefined();
    expect(await readdir(join(root, '.partial~'))).toEqual([]);
  });

  it('caches an artifact while there is room, and reads it again after eviction', async () => {
    let getCount = 0;
    const objects: ObjectStore = new (class extends FolderObjectStore {
      override get(key: string): Promise<Uint8Array | undefined> {
        getCount++;
        return super.get(key);
      }
    })(root);
    const [a, b] = await Promise.all(
      ['a', 'b'].map((letter) => new ArtifactStore(objects).putBytes(Buffer.alloc(30, letter))),
    );
    if (a === undefined || b === undefined) throw new Error('no refs');
    const store = new ArtifactStore(objects, { cacheByteLengthMax: 60 });
    for (const ref of [a, a, b, b, a]) await store.getBytes(ref);
    expect(getCount).toBe(2);
    const tight = new ArtifactStore(objects, { cacheByteLengthMax: 29 });
    for (const ref of [a, a]) await tight.getBytes(ref);
    expect(getCount).toBe(4);
  });
});
