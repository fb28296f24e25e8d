import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { childEnv, readSettings, stackHome } from '../../infra/stack/settings.ts';
import { writeStackFile } from '../../infra/stack/stack-file.ts';

const stored = {
  temporal: { port: 7001, uiPort: 7002 },
  s3: { port: 7003, consolePort: 7004, accessKey: 'stored-access', secretKey: 'stored-secret' },
};
const aws = { AWS_ACCESS_KEY_ID: 'env-access', AWS_SECRET_ACCESS_KEY: 'env-secret' };

describe('the settings of the stack', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mtrl-settings-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true, force: true });
  });

  it('are those of the local stack, even if the user has AWS keys', () => {
    writeStackFile(home, stored);
    expect(readSettings({ env: { MTRL_HOME: home, ...aws, TEMPORAL_ADDRESS: '' } })).toEqual({
      home,
      temporal: { address: '127.0.0.1:7001', namespace: 'default', uiUrl: 'http://127.0.0.1:7002', proof: {} },
      s3: {
        endpoint: 'http://127.0.0.1:7003',
        accessKey: 'stored-access',
        secretKey: 'stored-secret',
        bucket: 'mtrl',
        region: 'us-east-1',
        consoleUrl: 'http://127.0.0.1:7004',
        isLocal: true,
      },
      taskQueues: { control: 'mtrl', compute: 'mtrl-compute' },
    });
  });

  it('give way to servers that the environment names, each separately', () => {
    writeStackFile(home, stored);
    const temporal = readSettings({
      home,
      env: { TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'team' },
    });
    expect(temporal.temporal).toEqual({ address: 'temporal.example:7233', namespace: 'team', uiUrl: undefined });
    expect(temporal.s3.endpoint).toBe('http://127.0.0.1:7003');

    const s3 = readSettings({
      home,
      env: { MTRL_S3_ENDPOINT: 'https://s3.example', MTRL_S3_BUCKET: 'judges', ...aws },
    });
    expect(s3.s3).toMatchObject({
      endpoint: 'https://s3.example',
      accessKey: 'env-access',
      bucket: 'judges',
      consoleUrl: undefined,
    });
    expect(s3.temporal.address).toBe('127.0.0.1:7001');
  });

  it('need no local stack if the environment names both', () => {
    const env = { TEMPORAL_ADDRESS: '[::1]:7233', MTRL_S3_ENDPOINT: 'http://10.0.0.1:9000', ...aws };
    expect(readSettings({ home, env }).temporal.address).toBe('[::1]:7233');
  });

  it('report what is missing or wrong, where, and what to do', () => {
    const codeOf = (env: Record<string, string>) => {
      try {
        readSettings({ home, env });
        return 'none';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codeOf({})).toBe('SETUP_FAILED');
    expect(codeOf({ TEMPORAL_ADDRESS: 'a:1' })).toBe('SETUP_FAILED');
    expect(codeOf({ TEMPORAL_ADDRESS: 'http://a:1' })).toBe('USAGE');
    expect(codeOf({ MTRL_S3_ENDPOINT: 'http://a:1' })).toBe('USAGE');
    expect(codeOf({ MTRL_S3_ENDPOINT: 'a:1', ...aws })).toBe('USAGE');
    for (const damaged of [
      '',
      '{',
      '[]',
      '{"temporal":{"port":"7233","uiPort":1}}',
      '{"s3":{"port":1,"consolePort":2}}',
    ]) {
      writeFileSync(join(home, 'stack.json'), damaged);
      expect(codeOf({}), damaged).toBe('SETUP_FAILED');
    }
  });

  it('keep the secret from other users', () => {
    writeStackFile(home, stored);
    expect(statSync(join(home, 'stack.json')).mode & 0o777).toBe(0o600);
  });

  it('are in the project unless MTRL_HOME is set', () => {
    expect(stackHome({ env: {} })).toBe(join(projectRoot, '.mtrl'));
    expect(stackHome({ env: { MTRL_HOME: home } })).toBe(home);
    expect(childEnv({ MTRL_HOME: home })).toMatchObject({ MTRL_HOME: home, PATH: process.env['PATH'] });
  });
});
