import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { minioServer } from '../../infra/stack/minio.ts';

it('waits until a live MinIO also serves requests', async () => {
  const statuses = [503, 404];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${String(request.method)} ${String(request.url)}`);
    response.writeHead(request.url === '/minio/health/live' ? 200 : (statuses.shift() ?? 500)).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const target = {
    ...{ endpoint: `http://127.0.0.1:${String(port)}`, bucket: 'mtrl', region: 'us-east-1', consoleUrl: undefined },
    ...{ accessKey: 'key', secretKey: 'secret' },
  };
  const { probe } = minioServer(tmpdir(), target, { port, consolePort: 0 }, {}, () => undefined);
  try {
    await expect(probe(1_000)).rejects.toThrow('503');
    // 404: there is no such bucket, but the server works and the bucket can be created.
    await probe(1_000);
    expect(asked).toEqual(Array(2).fill(['GET /minio/health/live', 'HEAD /mtrl']).flat());
  } finally {
    await new Promise((done) => server.close(done));
  }
});
