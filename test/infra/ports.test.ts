import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { assertPortFree, choosePorts, isPortFree, ownerOf } from '../../infra/stack/ports.ts';

describe('the choice of ports', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });

  async function takePort(): Promise<number> {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it('prefers the given ports if they are free', async () => {
    const preferred = await choosePorts([undefined, undefined]);
    expect(await choosePorts(preferred)).toEqual(preferred);
  });

  it('replaces each taken port, and uses no port twice', async () => {
    const taken = await takePort();
    const [free] = await choosePorts([undefined]);
    const ports = await choosePorts([taken, free, free, undefined]);
    expect(new Set(ports).size).toBe(4);
    expect(ports).not.toContain(taken);
    expect(ports[1]).toBe(free);
  });

  it("stays near the usual port, outside of the kernel's ephemeral range", async () => {
    const taken = await takePort();
    const [other = 0] = await choosePorts([taken]);
    expect(other - taken).toBeGreaterThan(0);
    expect(other - taken).toBeLessThan(200);
  });

  it('names the port, its owner and the remedy if a remembered port is taken', async () => {
    const taken = await takePort();
    expect(await isPortFree(taken)).toBe(false);
    if (process.platform === 'linux') expect(ownerOf(taken)).toContain(`process ${String(process.pid)} (`);
    await expect(assertPortFree(taken, 'temporal')).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      details: {
        where: `127.0.0.1:${String(taken)}`,
        found: expect.stringContaining(String(process.pid)) as string,
        hint: expect.stringContaining('mtrl -- up') as string,
      },
    });
  });
});
