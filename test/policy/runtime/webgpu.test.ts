import { beforeAll, describe, expect, it } from 'vitest';
import { type OpDifference, type StepDifference, tolerance } from '../../support/differential.ts';
import { type VulkanDriver, findVulkan, runScript } from '../../support/vulkan.ts';

const script = 'test/support/differential-run.ts';

let driver: VulkanDriver | undefined;
beforeAll(async () => {
  driver = await findVulkan();
  if (driver === undefined)
    process.stderr.write(
      'SKIPPED: webgpu is not tested, no Vulkan driver was found (`mtrl doctor` says what it needs)\n',
    );
});

describe('the webgpu provider against the CPU', () => {
  it('matches every case of every op', async ({ skip }) => {
    if (driver === undefined) return skip();
    const differences = (await runScript(script, ['onnxruntime', 'webgpu'], driver.environment)) as OpDifference[];
    expect(differences.length).toBeGreaterThan(200);
    expect(
      differences.filter(({ problem }) => problem !== '').map(({ title, problem }) => `${title} ${problem}`),
    ).toEqual([]);
  });

  it('keeps outputs for the next call on the device until they are requested', async ({ skip }) => {
    if (driver === undefined) return skip();
    expect(await runScript('test/support/kept-outputs.ts', ['onnxruntime', 'webgpu'], driver.environment)).toEqual({
      unsettled: [0, 10, 20, 30, 40, 50],
      squares: [9, 169, 529, 1089, 1849, 2809],
      settled: [3, 13, 23, 33, 43, 53],
      later: [4, 14, 24, 34, 44, 54],
    });
  });

  it('a whole GRPO step samples the same tokens and ends with the same weights', async ({ skip }) => {
    if (driver === undefined) return skip();
    const args = ['onnxruntime', 'webgpu', 'untied-gqa'];
    const steps = (await runScript(script, args, driver.environment)) as StepDifference[];
    expect(steps.map(({ sameTokens }) => sameTokens)).toEqual([true]);
    const parts = steps.flatMap(({ differences }) => Object.entries(differences));
    expect(parts.length).toBe(7);
    // An infinite difference is null in JSON.
    expect(parts.filter(([, difference]) => (difference as number | null) === null || difference > tolerance)).toEqual(
      [],
    );
  });
});
