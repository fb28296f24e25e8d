import { describe, expect, it } from 'vitest';
import { doctor, formatReport } from '../../infra/doctor/doctor.ts';
import { down } from '../../infra/stack/down.ts';
import { useStack } from '../support/stack.ts';

describe('doctor', () => {
  const stack = useStack();

  it('reports what is installed and what to do about the rest', async () => {
    const report = await doctor(stack.settings);
    const statusOf = Object.fromEntries(report.checks.map(({ name, status }) => [name, status]));
    expect(statusOf).toMatchObject({
      node: 'ok',
      temporal: 'ok',
      minio: 'ok',
      onnxruntime: 'ok',
      sharp: 'ok',
      'temporal server': 'ok',
      'search attributes': 'ok',
      store: 'ok',
      bucket: 'ok',
      'conditional PUT': 'ok',
      'age of objects': 'ok',
      'control worker': 'warn',
      'compute worker': 'warn',
    });
    for (const check of report.checks) if (check.status !== 'ok') expect(check.hint, check.name).toBeTruthy();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(formatReport(report)).toMatch(/^ok {4}node +v\d+/);
  });

  it('reports servers that are down, with their addresses', async () => {
    await down({ home: stack.settings.home, log: () => undefined });
    const { checks } = await doctor(stack.settings);
    expect(checks.find(({ name }) => name === 'temporal server')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining(stack.settings.temporal.address) as string,
    });
    expect(checks.find(({ name }) => name === 'store')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining(stack.settings.s3.endpoint) as string,
    });
  });
});
