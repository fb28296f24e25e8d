/** A server is started only if it is ours, not if another program answers on its port. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { choosePorts } from '../../infra/stack/ports.ts';
import { ensureServer, type ServerSpec } from '../../infra/stack/server.ts';

let home: string;
let stranger: Server;
let ports: { port: number; uiPort: number };
const how = { log: () => undefined, answerTimeoutMs: 500 };

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'mtrl-server-'));
  stranger = createServer((socket) => socket.end());
  const [port = 0, uiPort = 0] = await choosePorts([undefined, undefined]);
  ports = { port, uiPort };
});
afterEach(() => {
  stranger.close();
  rmSync(home, { recursive: true });
});

/** Another stack's server takes the port and accepts every connection. */
async function strangerListens(): Promise<void> {
  stranger.listen(ports.port, '127.0.0.1');
  await once(stranger, 'listening');
}

function specOf(script: string, daemon: () => Promise<void>): ServerSpec {
  return {
    ...{ name: 'temporal', ...ports, probe: () => Promise.resolve() },
    data: { path: home, damaged: /cannot read its data/ },
    daemon: async () => {
      await daemon();
      return { command: process.execPath, args: ['-e', script], cwd: home, env: {} };
    },
  };
}

it('is refused a port that was taken while its program was built', async () => {
  const spec = specOf('setTimeout(() => undefined, 60_000)', strangerListens);
  await expect(ensureServer(home, spec, how)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
});

it('has not started if it lost the race for its port and exited, even if another program answers there', async () => {
  const started = join(home, 'started');
  const taken = join(home, 'taken');
  const end = 'console.log("address already in use"); process.exit(1);';
  const script = `const fs = require('node:fs');
    fs.writeFileSync('${started}', '');
    setInterval(() => { if (fs.existsSync('${taken}')) setTimeout(() => { ${end} }, 300); }, 20);`;
  // After the check of the port, like a stack that starts at the same moment.
  const takes = async (): Promise<void> => {
    while (!existsSync(started)) await sleep(10);
    await strangerListens();
    writeFileSync(taken, '');
  };
  let taking: Promise<void> | undefined;
  const spec = specOf(script, () => {
    taking = takes();
    return Promise.resolve();
  });
  await expect(ensureServer(home, spec, how)).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    details: { where: `127.0.0.1:${String(ports.port)}` },
  });
  await taking;
});
