/**
 * infra/compose.yaml without a Docker engine: each service's command and environment as a process of this machine, in
 * the file's order and with its health checks; then an experiment as docs/production.md starts it, and the stop. What
 * stands in for what is in test/support/compose.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { projectRoot } from '../../core/project.ts';
import { findOrMakeBinary } from '../../infra/binaries/binaries.ts';
import { choosePorts } from '../../infra/stack/ports.ts';
import { assertAccepts } from '../../infra/stack/tcp.ts';
import { readCompose, readEnvFile } from '../support/compose/compose-file.ts';
import { imagesOf } from '../support/compose/images.ts';
import { LocalStack } from '../support/compose/local-stack.ts';
import { type Translated, translate } from '../support/compose/translation.ts';
import { needLoopbackAddresses, needTemporalPrograms } from '../support/needs.ts';
import { tinyRecipe } from './tiny-recipe.ts';

const addresses = await needLoopbackAddresses();
const { found: database } = await needTemporalPrograms();

describe.skipIf(addresses.isMissing)('infra/compose.yaml', () => {
  const home = mkdtempSync(join(tmpdir(), 'mtrl-compose-'));
  const data = join(home, 'data');
  let translated: Translated;
  let stack: LocalStack;

  beforeAll(async () => {
    // PostgreSQL, which another user may run, goes through it.
    chmodSync(home, 0o711);
    mkdirSync(data);
    const secrets = ['POSTGRES_PASSWORD', 'MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD', 'GRAFANA_PASSWORD'];
    const filledIn = Object.fromEntries(secrets.map((name) => [name, `test-${name.toLowerCase()}`]));
    const file = readCompose({ ...readEnvFile('compose.env.example'), ...filledIn, MTRL_DATA_FOLDER: data });
    const log = (): void => undefined;
    const [temporal, minio] = [await findOrMakeBinary('temporal', log), await findOrMakeBinary('minio', log)];
    const [apiPort = 0, consolePort = 0, temporalPort = 0] = await choosePorts([undefined, undefined, undefined]);
    const minioPorts = [apiPort, consolePort] as const;
    const programs = { temporal: temporal.path, minio: minio.path, minioPorts, temporalPort, database };
    translated = translate(file, imagesOf(programs), home);
    stack = new LocalStack(translated);
    await stack.up();
  });

  afterAll(async () => {
    await stack.kill();
    rmSync(home, { recursive: true, force: true });
  });

  it('starts every service that is not named as absent', () => {
    const absent = ['grafana', 'prometheus', 'temporal-ui'];
    const ofDatabase = database === undefined ? ['postgresql', 'temporal-schema'] : [];
    expect(Object.keys(translated.absent).sort()).toEqual([...absent, ...ofDatabase].sort());
    const started = new Set(stack.events.filter((event) => event.startsWith('started ')));
    expect(started).toEqual(new Set(translated.services.map(({ name }) => `started ${name}`)));
    // In the file's order, as far as the file has one.
    for (const { name, needs } of translated.services)
      for (const [need, condition] of needs.filter(([needed]) => !(needed in translated.absent))) {
        const event = condition === 'service_healthy' ? 'healthy' : 'completed';
        expect(stack.events.indexOf(`started ${name}`), name).toBeGreaterThan(stack.events.indexOf(`${event} ${need}`));
        expect(stack.events).toContain(`${event} ${need}`);
      }
  });

  it('listens on the ports that it publishes', async () => {
    const published = translated.services.flatMap(({ address, publishedPorts }) =>
      publishedPorts.map((port) => [address, port] as const),
    );
    expect(published).toHaveLength(3);
    for (const [address, port] of published) await assertAccepts(address, port, 60_000);
  });

  it('and starts again over its volumes', async () => {
    const oneShots = translated.services.filter(({ restartCountMax }) => restartCountMax > 0);
    for (const { name } of oneShots) expect(await stack.run(name), name).toMatchObject({ code: 0 });
  });

  it('runs an experiment by the command of docs/production.md', async () => {
    const { policy: _, ...recipe } = tinyRecipe({ sftStepCount: 2, grpoStepCount: 1 });
    cpSync(join(projectRoot, 'recipes', 'demo-config'), join(data, 'config'), { recursive: true });
    writeFileSync(join(data, 'recipe.yaml'), stringify({ ...recipe, policy: { config: 'config', initSeed: 1 } }));
    const page = readFileSync(join(projectRoot, 'docs', 'production.md'), 'utf8');
    const [, service = '', args = ''] = /^docker compose .* run --rm (\S+) (.*)$/m.exec(page) ?? [];
    const { code, out, err } = await stack.run(service, [...args.split(' '), '--id', 'tiny', '--wait', '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: 'completed' });
  });

  it('stops each service after those that need it, by its signal', async () => {
    const stopped = await stack.down();
    const longRunning = translated.services.filter(({ restartCountMax }) => restartCountMax === 0);
    expect(stopped.map(({ name }) => name).sort()).toEqual(longRunning.map(({ name }) => name).sort());
    expect(stopped.filter(({ code }) => code !== 0)).toEqual([]);
    const order = stopped.map(({ name }) => name);
    expect(order.indexOf('temporal')).toBeGreaterThan(order.indexOf('control'));
    if (database !== undefined) expect(order.indexOf('postgresql')).toBeGreaterThan(order.indexOf('temporal'));
  });
});
