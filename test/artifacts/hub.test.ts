/** Downloads from the Hub, against a local server that speaks its routes (test/support/hub-server.ts). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub } from '../../artifacts/hub/hub.ts';
import { hubSettings } from '../../artifacts/hub/hub-settings.ts';
import { uploadFolder } from '../../artifacts/hub/upload.ts';
import { required } from '../../core/assert.ts';
import { hubAddressText, parseHubAddress } from '../../core/hub-address.ts';
import { HubServer } from '../support/hub-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'mtrl-hub-'));
const server = new HubServer();
const commit = 'a'.repeat(40);
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251);
const config = new TextEncoder().encode('{"model_type":"llama"}');

beforeAll(async () => {
  await server.start();
  const files = { 'config.json': config, 'model.safetensors': weights, 'sub/rows.jsonl': config };
  server.repositories.push(
    { type: 'models', name: 'org/model', branches: { main: commit, 'refs/pr/1': 'b'.repeat(40) }, files },
    { type: 'models', name: 'org/gated', branches: { main: commit }, files, gated: true },
    { type: 'datasets', name: 'org/rows', branches: { main: commit }, files },
  );
});
beforeEach(() => {
  server.requests.length = 0;
  server.cutAfter = undefined;
  server.spoil = (bytes) => bytes;
});
afterAll(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true });
});

const addressOf = (text: string) => required(parseHubAddress(text), text);

/** A Hub with an empty cache, or one that another has filled. */
function hubAt(cacheFolder = mkdtempSync(join(scratch, 'cache-')), environment: NodeJS.ProcessEnv = {}) {
  const settings = hubSettings({ HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cacheFolder, ...environment });
  return { hub: new Hub(settings), cacheFolder };
}

async function downloadAll(hub: Hub, text = 'hf:org/model', onBytes: (count: number) => void = () => undefined) {
  const address = addressOf(text);
  const pinned = { ...address, revision: await hub.commitOf(address) };
  await hub.download(pinned, await hub.files(pinned), onBytes);
  return hub.snapshotFolder(pinned);
}

describe('an address', () => {
  test.each([
    ['hf:org/name', { type: 'model', name: 'org/name', revision: 'main', path: '' }],
    ['hf:org/na.me@v1.0', { type: 'model', name: 'org/na.me', revision: 'v1.0', path: '' }],
    [
      'hf:org/name@refs%2Fpr%2F1/model.gguf',
      { type: 'model', name: 'org/name', revision: 'refs/pr/1', path: 'model.gguf' },
    ],
    [
      'hf:datasets/org/name@v1/data/*.parquet',
      { type: 'dataset', name: 'org/name', revision: 'v1', path: 'data/*.parquet' },
    ],
  ] as const)('%s is read and written', (text, address) => {
    expect(parseHubAddress(text)).toEqual(address);
    expect(parseHubAddress(hubAddressText(address))).toEqual(address);
  });

  test.each([
    'hf:name',
    'hf:org',
    'hf:org/name@',
    'hf:../name',
    'hf:datasets/org/name@v1/../x',
    'hf:org/name@..%2F..%2Fx',
    'hf:org/name@%',
    'org/name',
  ])('%s is none', (text) => {
    expect(parseHubAddress(text)).toBeUndefined();
  });
});

describe('a repository', () => {
  test('is downloaded whole, with its paths, and a revision is the commit that it names', async () => {
    const { hub } = hubAt();
    const counts: number[] = [];
    const folder = await downloadAll(hub, 'hf:org/model', (count) => counts.push(count));
    expect(folder.endsWith(join('models--org--model', 'snapshots', commit))).toBe(true);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(readFileSync(join(folder, 'sub', 'rows.jsonl')).equals(config)).toBe(true);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(weights.byteLength + config.byteLength);
    expect(await hub.commitOf(addressOf('hf:org/model@refs%2Fpr%2F1'))).toBe('b'.repeat(40));
    expect(await downloadAll(hub, 'hf:datasets/org/rows')).toContain('datasets--org--rows');
  });

  test('in the cache is not asked for again', async () => {
    const { hub, cacheFolder } = hubAt();
    await downloadAll(hub);
    server.requests.length = 0;
    const { hub: other } = hubAt(cacheFolder, { HF_ENDPOINT: 'http://127.0.0.1:9' });
    const folder = await downloadAll(other, `hf:org/model@${commit}`);
    expect(readFileSync(join(folder, 'config.json')).equals(config)).toBe(true);
    expect(server.requests).toEqual([]);
  });

  test('whose download is cut continues where it ended', async () => {
    const { hub } = hubAt();
    server.cutAfter = 100_000;
    const folder = await downloadAll(hub);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    const ranges = server.requests.filter((request) => request.startsWith('model.safetensors'));
    expect(ranges.at(-1)).toMatch(/bytes=[1-9]\d*-299999$/);
  });

  test('whose download another process left unfinished continues, and one that it left too long starts again', async () => {
    const { hub, cacheFolder } = hubAt();
    const folder = await downloadAll(hub);
    const blobs = join(cacheFolder, 'models--org--model', 'blobs');
    const blob = required(
      (await readdir(blobs)).find((name) => name.length === 64),
      'a large blob',
    );
    for (const start of [120_000, 0]) {
      rmSync(join(folder, 'model.safetensors'));
      rmSync(join(blobs, blob));
      await writeFile(join(blobs, `${blob}.incomplete`), weights);
      await truncate(join(blobs, `${blob}.incomplete`), start);
      server.requests.length = 0;
      await downloadAll(hubAt(cacheFolder).hub);
      expect(server.requests).toEqual([expect.stringMatching(start === 0 ? /whole|bytes=0-/ : /bytes=120000-299999$/)]);
      expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    }
  });

  test('whose bytes differ from its list is refused, and nothing of it is kept', async () => {
    const { hub, cacheFolder } = hubAt();
    server.spoil = (bytes) => bytes.map((byte) => byte ^ 1);
    await expect(downloadAll(hub)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: 'a downloaded file differs from what the Hub lists',
    });
    expect(await readdir(join(cacheFolder, 'models--org--model', 'blobs'))).toEqual([]);
  });
});

test.each(['../out.json', '/etc/out.json', 'a/../../out.json', 'a\\..\\..\\out.json'])(
  'a repository that lists %s is refused',
  async (path) => {
    server.repositories.push({
      type: 'models',
      name: 'org/evil',
      branches: { main: commit },
      files: { [path]: config },
    });
    const { hub, cacheFolder } = hubAt();
    await expect(downloadAll(hub, 'hf:org/evil')).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      message: 'the Hub lists a file that would lie outside the cache',
    });
    expect(await readdir(cacheFolder, { recursive: true })).not.toContain('out.json');
    server.repositories.pop();
  },
);

describe('what to do is said about', () => {
  test('a misspelled name', async () => {
    await expect(downloadAll(hubAt().hub, 'hf:org/modle')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { where: `hf:org/modle@main at ${server.endpoint}` },
    });
  });

  test('a revision that is gone', async () => {
    await expect(downloadAll(hubAt().hub, 'hf:org/model@v9')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { hint: expect.stringContaining('revision') as string },
    });
  });

  test('a gated repository, which opens with a token', async () => {
    await expect(downloadAll(hubAt().hub, 'hf:org/gated')).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      details: { hint: expect.stringMatching(/terms at http.*org\/gated.*HF_TOKEN/) as string },
    });
    await downloadAll(hubAt(undefined, { HF_TOKEN: 'hf_secret' }).hub, 'hf:org/gated');
  });

  test('a Hub that does not answer', async () => {
    const { hub } = hubAt(undefined, { HF_ENDPOINT: 'http://127.0.0.1:9' });
    await expect(downloadAll(hub)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      details: { where: 'hf:org/model@main at http://127.0.0.1:9' },
    });
  });
});

test('settings are those of the Python package', () => {
  expect(hubSettings({ HF_HOME: '/data/hf' })).toEqual({
    endpoint: 'https://huggingface.co',
    cacheFolder: '/data/hf/hub',
  });
  expect(hubSettings({ XDG_CACHE_HOME: '/c', HF_ENDPOINT: 'http://hub/', HF_TOKEN: 'hf_x' })).toEqual({
    ...{ endpoint: 'http://hub', token: 'hf_x', cacheFolder: '/c/huggingface/hub' },
  });
});

describe('an upload', () => {
  const folderWith = async (files: Readonly<Record<string, Uint8Array>>): Promise<string> => {
    const folder = mkdtempSync(join(scratch, 'folder-'));
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    return folder;
  };
  const settings = (token?: string) => hubSettings({ HF_ENDPOINT: server.endpoint, HF_HOME: scratch, HF_TOKEN: token });

  test('creates a private repository, and commits all files of the folder', async () => {
    const files = { 'config.json': config, 'model.safetensors': weights, 'additional_chat_templates/a.jinja': config };
    const seen: string[] = [];
    const made = await uploadFolder(
      settings('hf_writer'),
      addressOf('hf:org/new'),
      await folderWith(files),
      'title',
      (event) => seen.push(event.file),
    );
    expect(made).toBe(`hf:org/new@${'d'.repeat(40)}`);
    expect(server.created).toEqual([
      expect.objectContaining({ name: 'new', organization: 'org', visibility: 'private' }),
    ]);
    expect([...server.committed.keys()].sort()).toEqual(Object.keys(files).sort());
    for (const [name, bytes] of Object.entries(files)) expect(server.committed.get(name)).toEqual(Buffer.from(bytes));
    expect(seen).toContain('model.safetensors');
  });

  test('without a token, or one that may not write, is refused', async () => {
    const folder = await folderWith({ 'config.json': config });
    const refused = (token?: string) =>
      uploadFolder(settings(token), addressOf('hf:org/model'), folder, 'title', () => undefined);
    await expect(refused()).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      message: 'uploading to the Hub needs a token',
    });
    await expect(refused('hf_reader')).rejects.toMatchObject({ code: 'HUB_REFUSED' });
  });
});
