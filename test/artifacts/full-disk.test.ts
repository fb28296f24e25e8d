/** A full disk on this machine (`/dev/full` refuses every write with ENOSPC) and a full store. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../../activities/failure.ts';
import { codedFileError, fileError } from '../../artifacts/store/file-error.ts';
import { openObjectStore } from '../../artifacts/store/open-store.ts';
import { compiled } from '../support/compiled.ts';

async function failureOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing failed');
}

describe.skipIf(!existsSync('/dev/full'))('a full disk', () => {
  it('is a retryable DISK_FULL at any attempt of an activity, with the place and the free bytes', async () => {
    const full = await failureOf(() => writeFile('/dev/full', 'a line'));
    const wrapped = new Error('the stream failed', { cause: full });
    for (const error of [full, wrapped])
      expect(toFailure(error, 50)).toMatchObject({
        type: 'DISK_FULL',
        nonRetryable: false,
        message: expect.stringMatching(/ENOSPC.*\d+ bytes and \d+ files are free/) as string,
      });
    expect(codedFileError(full)).toMatchObject({ code: 'DISK_FULL', kind: 'worker', retryable: true });
  });

  it('neither crashes a worker through its log nor blocks its shutdown', async () => {
    const log = pathToFileURL(compiled('workers/logging.ts')).href;
    const script = `
      const { createLog } = await import(${JSON.stringify(log)});
      const log = createLog('test');
      for (let i = 0; i < 2000; i++) log.info({ text: 'x'.repeat(2000) }, 'a line');
      await new Promise((resolve) => setTimeout(resolve, 50));
      log.info('one more');
      console.log('alive');
      process.exit(0);`;
    const shell = 'exec "$0" --input-type=module -e "$1" 2>/dev/full';
    const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, script], {
      timeout: 900_000,
    });
    expect(stdout).toBe('alive\n');
  });
});

it('maps a write that the file system refuses to FILE_NOT_WRITABLE, not to a bug', () => {
  const refused = (code: string) =>
    Object.assign(new Error(`${code}: refused`), { code, syscall: 'mkdir', path: '/x/y' });
  for (const code of ['EROFS', 'EACCES', 'EPERM'])
    expect(fileError(refused(code))).toMatchObject({
      code: 'FILE_NOT_WRITABLE',
      details: { where: expect.stringContaining('/x/y') as string },
    });
  expect(fileError(Object.assign(new Error('refused'), { code: 'EACCES', syscall: 'connect' }))).toBeUndefined();
  expect(fileError(new TypeError('a bug'))).toBeUndefined();
});

it.for([
  ['XMinioStorageFull', 507],
  ['XMinioAdminBucketQuotaExceeded', 400],
] as const)('reports a store without space (%s) as full, not as unreachable', async ([code, status]) => {
  const server = createServer((request, answer) => {
    request.resume();
    request.on('end', () => {
      answer.writeHead(status).end(`<Error><Code>${code}</Code><Message>no room</Message></Error>`);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const s3 = { endpoint, accessKey: 'key', secretKey: 'secret', bucket: 'mtrl', region: 'us-east-1' };
  try {
    await expect(openObjectStore(s3).put('a', new Uint8Array(1))).rejects.toMatchObject({
      code: 'STORE_FULL',
      retryable: true,
      details: { where: expect.stringContaining(endpoint) as string, found: expect.stringContaining(code) as string },
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
