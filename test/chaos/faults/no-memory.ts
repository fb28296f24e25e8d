/** A compute process gets no more memory for a while: its allocations fail, and nobody kills it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { locateOnPath } from '../../../infra/binaries/locate.ts';
import { between, type Fault, firstOf } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  victim: 'compute',
  async strike({ compute }, strength) {
    if (locateOnPath('prlimit') === undefined) return false;
    const release = await firstOf(() => compute.holdChildMemory());
    await sleep(between(4_000, 12_000, strength));
    release?.();
    return release !== undefined;
  },
};
