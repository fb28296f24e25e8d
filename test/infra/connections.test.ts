/** Servers run by someone else, as the environment names them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressOf, type Env } from '../../infra/stack/env.ts';
import { s3Override } from '../../infra/stack/s3-settings.ts';
import { readSettings } from '../../infra/stack/settings.ts';
import { temporalOverride } from '../../infra/stack/temporal-settings.ts';
import { buildVersionOf } from '../../pipeline/code/code-version.ts';
import { servingOptions, servingSettings } from '../../workers/serving-settings.ts';

const aws = { AWS_ACCESS_KEY_ID: 'access', AWS_SECRET_ACCESS_KEY: 'secret' };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mtrl-connections-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const write = (name: string, text: string): string => {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
};

describe('Temporal', () => {
  it("takes API key, headers and TLS from Temporal's own variables", () => {
    const env = {
      TEMPORAL_ADDRESS: 'eu.tmprl.example:7233',
      TEMPORAL_NAMESPACE: 'judges.a1b2c',
      TEMPORAL_API_KEY: 'key',
      TEMPORAL_GRPC_META_TEAM: 'vision',
      TEMPORAL_TLS_SERVER_NAME: 'eu',
    };
    expect(temporalOverride(env)).toMatchObject({
      address: 'eu.tmprl.example:7233',
      namespace: 'judges.a1b2c',
      apiKey: 'key',
      metadata: { team: 'vision' },
      tls: { serverNameOverride: 'eu' },
    });
  });

  it('uses a profile that the environment names; variables take precedence', () => {
    const file = write('temporal.toml', '[profile.team]\naddress = "a:7233"\nnamespace = "team"\napi_key = "k"\n');
    const profile = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'team' };
    expect(temporalOverride(profile)).toMatchObject({ address: 'a:7233', namespace: 'team', apiKey: 'k', tls: true });
    expect(temporalOverride({ ...profile, TEMPORAL_ADDRESS: 'b:1' })?.address).toBe('b:1');
  });

  it('is the local one if no variable names another: a default profile does not select a cluster', () => {
    write('temporal.toml', '[profile.default]\naddress = "cluster:7233"\n');
    expect(temporalOverride({ HOME: home, XDG_CONFIG_HOME: home, TEMPORAL_NAMESPACE: 'x' })).toBeUndefined();
  });

  it.each<[what: string, env: () => Env]>([
    ['a file that is not there', () => ({ TEMPORAL_CONFIG_FILE: join(home, 'none.toml'), TEMPORAL_PROFILE: 'team' })],
    ['a profile that the file lacks', () => ({ TEMPORAL_CONFIG_FILE: write('t.toml', ''), TEMPORAL_PROFILE: 'team' })],
    ['a file that is no TOML', () => ({ TEMPORAL_CONFIG_FILE: write('t.toml', '[[') })],
    [
      'a key that nobody knows',
      () => ({ TEMPORAL_CONFIG_FILE: write('t.toml', '[profile.default]\nadress = "a:1"\n') }),
    ],
    ['an address without a port', () => ({ TEMPORAL_ADDRESS: 'cluster' })],
    ['a Web UI that is no URL', () => ({ TEMPORAL_ADDRESS: 'a:1', MTRL_TEMPORAL_UI_URL: 'a' })],
  ])('reports %s', (_, env) => {
    expect(() => temporalOverride(env())).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the store', () => {
  it('takes the variables of AWS tools, including temporary credentials', () => {
    const env = {
      ...aws,
      AWS_ENDPOINT_URL_S3: 'https://s3.example',
      AWS_SESSION_TOKEN: 't',
      AWS_DEFAULT_REGION: 'eu-1',
    };
    expect(s3Override(env)).toMatchObject({ endpoint: 'https://s3.example', sessionToken: 't', region: 'eu-1' });
    expect(s3Override({ ...env, MTRL_S3_ENDPOINT: 'http://a:1', AWS_REGION: 'eu-2' })).toMatchObject({
      endpoint: 'http://a:1',
      region: 'eu-2',
    });
  });
});

describe('a worker', () => {
  it('polls the queues derived from one setting', () => {
    const env = { TEMPORAL_ADDRESS: 'a:1', MTRL_S3_ENDPOINT: 'http://a:1', ...aws, MTRL_TASK_QUEUE: 'judges' };
    expect(readSettings({ home, env }).taskQueues).toEqual({ control: 'judges', compute: 'judges-compute' });
  });

  it('stops within the drain time, and is versioned only if the environment names a deployment', () => {
    expect(servingOptions(servingSettings({ MTRL_DRAIN_TIMEOUT_MS: '7000' }), 'c0de')).toEqual({
      shutdownGraceTime: 7000,
      shutdownForceTime: 12_000,
    });
    const versioned = servingSettings({ MTRL_DEPLOYMENT_NAME: 'judges', MTRL_BUILD_ID: '1.4' });
    expect(servingOptions(versioned, 'c0de').workerDeploymentOptions).toEqual({
      useWorkerVersioning: true,
      version: { deploymentName: 'judges', buildId: '1.4' },
      defaultVersioningBehavior: 'PINNED',
    });
  });

  it('is the version of its own code unless the environment names another', () => {
    const { workerDeploymentOptions } = servingOptions(
      servingSettings({ MTRL_DEPLOYMENT_NAME: 'judges' }),
      buildVersionOf(),
    );
    expect(workerDeploymentOptions?.version.buildId).toBe(buildVersionOf().slice(0, 16));
    expect(workerDeploymentOptions?.version.buildId).toMatch(/^[0-9a-f]{16}$/);
  });

  it('joins the pool that the environment names', () => {
    expect(servingSettings({}).pool).toBeUndefined();
    expect(servingSettings({ MTRL_POOL: 'gpu-a' }).pool).toBe('gpu-a');
  });

  it('names the invalid variable', () => {
    expect(() => servingSettings({ MTRL_POOL: 'GPU a' })).toThrow('MTRL_POOL');
    expect(() => servingSettings({ MTRL_DRAIN_TIMEOUT_MS: 'soon' })).toThrow('MTRL_DRAIN_TIMEOUT_MS');
    expect(() => servingSettings({ MTRL_HEALTH_ADDRESS: '8081' })).toThrow('MTRL_HEALTH_ADDRESS');
    expect(addressOf({ A: '[::]:8081' }, 'A')).toEqual({ host: '::', port: 8081 });
  });
});
