import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, expect, it } from 'vitest';
import { describeError } from '../../core/errors.ts';
import { startCodecServer } from '../../infra/payloads/codec-server.ts';
import { EncryptionCodec } from '../../infra/payloads/encryption-codec.ts';
import { addKey, keyRingOf, readKeyRing } from '../../infra/payloads/key-ring.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-keys-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const secret = 'the recipe of a new judge';
const plain = (): Payload[] => [defaultPayloadConverter.toPayload({ secret })];
const read = ([payload]: readonly Payload[]) => defaultPayloadConverter.fromPayload(payload as Payload);

function newRing(name: string) {
  const path = join(folder, name);
  addKey(path, 0);
  return { path, codec: new EncryptionCodec(readKeyRing(path)) };
}

/** The message of the refusal to read the file, as users see it. */
function refusalOf(path: string): string {
  try {
    keyRingOf({ MTRL_PAYLOAD_KEY_FILE: path });
  } catch (error) {
    return describeError(error);
  }
  throw new Error(`${path} was accepted`);
}

it('hides what is encrypted, names the key, and gives it back', async () => {
  const { codec } = newRing('one.json');
  const hidden = await codec.encode(plain());
  expect(Buffer.from(hidden[0]?.data ?? []).toString('latin1')).not.toContain(secret);
  expect(Buffer.from(hidden[0]?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('1970-01-01T00:00:00.000Z');
  expect(read(await codec.decode(hidden))).toEqual({ secret });
  // The same text is encrypted differently each time.
  expect((await codec.encode(plain()))[0]?.data).not.toEqual(hidden[0]?.data);
});

it('decrypts with older keys, and what was never encrypted', async () => {
  const { path, codec } = newRing('rotated.json');
  const old = await codec.encode(plain());
  addKey(path, 1_000);
  const rotated = new EncryptionCodec(readKeyRing(path));
  expect(read(await rotated.decode(old))).toEqual({ secret });
  expect(read(await rotated.decode(plain()))).toEqual({ secret });
  await expect(codec.decode(await rotated.encode(plain()))).rejects.toMatchObject({ code: 'PAYLOAD_KEY_MISSING' });
});

it('says which key is missing, and notices changed bytes', async () => {
  const { codec } = newRing('changed.json');
  const [hidden] = await codec.encode(plain());
  await expect(new EncryptionCodec(undefined).decode([hidden as Payload])).rejects.toMatchObject({
    code: 'PAYLOAD_KEY_MISSING',
    details: { where: 'key 1970-01-01T00:00:00.000Z' },
  });
  const data = Buffer.from(hidden?.data ?? []);
  for (const place of [0, 20, data.length - 1]) {
    const changed = Buffer.from(data);
    changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
    await expect(codec.decode([{ ...hidden, data: changed }])).rejects.toMatchObject({ code: 'PAYLOAD_CORRUPT' });
  }
});

it('encrypts nothing without keys', async () => {
  expect(keyRingOf({})).toBeUndefined();
  expect(await new EncryptionCodec(undefined).encode(plain())).toEqual(plain());
});

it('keeps the file to its owner, and refuses one that others can read, or that holds no keys', () => {
  const { path } = newRing('owned.json');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o640);
  expect(refusalOf(path)).toMatch(/others can read it/);
  const bad = join(folder, 'bad.json');
  for (const text of ['', '{}', '{"active": "a", "keys": {"a": "c2hvcnQ="}}', '{"active": "b", "keys": {}}']) {
    writeFileSync(bad, text, { mode: 0o600 });
    expect(refusalOf(bad), text).toMatch(/cannot be used/);
  }
  expect(refusalOf(join(folder, 'none.json'))).toMatch(/payload-key/);
});

it('does not name keys in messages', () => {
  const { path } = newRing('quiet.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, -4));
  const [, key = ''] = /": "([\w+/]{43}=)"/.exec(text) ?? [];
  expect(key).not.toBe('');
  expect(() => readKeyRing(path)).toThrow(
    expect.not.objectContaining({ found: expect.stringContaining(key) as string }),
  );
});

it('decrypts over HTTP for the Web UI alone', async () => {
  const { codec } = newRing('served.json');
  const origin = 'http://127.0.0.1:8233';
  const server = await startCodecServer({ host: '127.0.0.1', port: 0, codec, origin });
  const { port } = server.address() as AddressInfo;
  const post = (verb: string, payloads: unknown, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${String(port)}/${verb}`, { method: 'POST', headers, body: JSON.stringify({ payloads }) });
  try {
    const text = Buffer.from(JSON.stringify({ secret })).toString('base64');
    const wire = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: text };
    const { payloads: hidden } = (await (await post('encode', [wire])).json()) as { payloads: unknown[] };
    expect(JSON.stringify(hidden)).not.toContain(text);
    const answer = await post('decode', hidden, { origin });
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(await answer.json()).toEqual({ payloads: [wire] });
    // As the Web UI asks.
    const asked = await post('decode?preserveStorageRefs=true', hidden, { origin });
    expect(await asked.json()).toEqual({ payloads: [wire] });

    expect((await post('decode', hidden, { origin: 'http://192.0.2.1:8233' })).status).toBe(403);
    expect((await post('decode', 'nothing')).status).toBe(400);
    expect((await post('other', hidden)).status).toBe(404);
  } finally {
    server.close();
  }
});
