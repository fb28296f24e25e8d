import { expect, it, vi } from 'vitest';
import { patiently } from '../../cli/temporal/patience.ts';

const patience = { againMs: 1, silenceMsMax: 60 };
const unavailable = (): Error => new Error('Failed to get Workflow execution history', { cause: grpc(14) });
const grpc = (code: number): Error => Object.assign(new Error('14 UNAVAILABLE'), { code, details: '', metadata: {} });

vi.spyOn(process.stderr, 'write').mockReturnValue(true);

it('waits for a server that comes back', async () => {
  let failureCount = 3;
  const ask = (): Promise<string> => (failureCount-- > 0 ? Promise.reject(unavailable()) : Promise.resolve('ended'));
  expect(await patiently(ask, { ...patience, silenceMsMax: 60_000 })).toBe('ended');
});

it('gives up on a server that stays unavailable', async () => {
  await expect(patiently(() => Promise.reject(unavailable()), patience)).rejects.toThrow('Failed to get');
});

it("does not mistake another program's exit code for a server error", async () => {
  const ask = vi.fn(() => Promise.reject(Object.assign(new Error('exit code 1'), { code: 1 })));
  await expect(patiently(ask, patience)).rejects.toThrow('exit code');
  expect(ask).toHaveBeenCalledTimes(1);
});

it('does not retry after an error answer', async () => {
  const ask = vi.fn(() => Promise.reject(grpc(7)));
  await expect(patiently(ask, patience)).rejects.toMatchObject({ code: 7 });
  expect(ask).toHaveBeenCalledTimes(1);
});
